/** Shapes of calls that an older installation may not have. */
import type { Schemas } from "./client";

export type Stats = Schemas["DashboardStats"];

export type ApprovalStatus = "pending" | "approved" | "rejected" | "expired" | "revoked";

export interface Approval {
  id: string;
  ticket_id: string;
  status: ApprovalStatus;
  action: string;
  target: string;
  risk: string;
  plan: Record<string, unknown>;
  plan_hash: string;
  reasons: unknown[];
  evidence: unknown[];
  requested_at: string;
  expires_at: string;
  execute_by?: string | null;
  approvers: string[];
  decided_by: string | null;
  decided_at: string | null;
  reason: string | null;
  title?: string;
  root_cause?: string;
  confidence?: number | null;
  quorum?: number;
  votes?: { by: string; decision: string; reason: string; at: string; via: string }[];
}

export interface ApprovalPage {
  items: Approval[];
  next_cursor: string | null;
}
