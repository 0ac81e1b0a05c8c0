/** Shapes of calls that an older installation may not have. */
export interface Stats {
  window_hours: number;
  by_status: Record<string, number>;
  opened: number;
  healed: number;
  escalated: number;
  closed: number;
  success_rate: number | null;
  mttr_minutes: { p50: number | null; p90: number | null; mean: number | null };
  sla: { met: number; breached: number; share: number | null };
  attempts: number;
  per_hour: { hour: string; opened: number; healed: number; escalated: number; mttr_minutes?: number | null }[];
  by_signature: { signature: string; tickets: number; healed: number; escalated: number }[];
  awaiting_approval: number;
  calibration?: { low: number; high: number; tickets: number; healed: number }[];
  complete?: boolean;
}

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
