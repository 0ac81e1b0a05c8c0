/** How things are called and drawn. */
import type { IconName } from "./ui/icons";

export type Tone = "idle" | "info" | "hold" | "warn" | "ok" | "err";
interface Word { label: string; tone: Tone; icon: IconName; busy?: boolean }

export const STATUSES: Record<string, Word> = {
  open: { label: "Received", tone: "idle", icon: "dashed" },
  analyzing: { label: "Analysing", tone: "info", icon: "spinner", busy: true },
  awaiting_approval: { label: "Awaiting approval", tone: "hold", icon: "pause" },
  remediating: { label: "Remediating", tone: "info", icon: "spinner", busy: true },
  monitoring: { label: "Monitoring", tone: "warn", icon: "clock" },
  resolved: { label: "Resolved", tone: "ok", icon: "check" },
  escalated: { label: "Escalated", tone: "err", icon: "person" },
  closed: { label: "Closed", tone: "idle", icon: "check" },
};

export const ATTEMPT_STATES: Record<string, Word> = {
  intent: { label: "Prepared", tone: "idle", icon: "dashed" },
  sending: { label: "Sending", tone: "info", icon: "spinner", busy: true },
  issued: { label: "Running", tone: "info", icon: "spinner", busy: true },
  unknown: { label: "Answer lost, looking", tone: "warn", icon: "clock" },
  succeeded: { label: "Succeeded", tone: "ok", icon: "check" },
  failed: { label: "Failed", tone: "err", icon: "cross" },
  timed_out: { label: "Timed out", tone: "err", icon: "clock" },
  cancelled: { label: "Cancelled", tone: "idle", icon: "cross" },
};

export const APPROVAL_STATES: Record<string, Word> = {
  pending: { label: "Pending", tone: "hold", icon: "pause" },
  approved: { label: "Approved", tone: "ok", icon: "check" },
  rejected: { label: "Rejected", tone: "err", icon: "cross" },
  expired: { label: "Expired", tone: "idle", icon: "clock" },
  revoked: { label: "Revoked", tone: "idle", icon: "cross" },
};

export const VERDICTS: Record<string, Word> = {
  allow: { label: "Allows", tone: "ok", icon: "check" },
  execute: { label: "Act", tone: "ok", icon: "check" },
  wait: { label: "Wait", tone: "warn", icon: "clock" },
  ask: { label: "Ask a person", tone: "hold", icon: "pause" },
  escalate: { label: "Escalate", tone: "err", icon: "person" },
  close: { label: "Close", tone: "idle", icon: "check" },
};

export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;
export const FINAL = new Set(["resolved", "escalated", "closed"]);

const KEPT: Record<string, string> = {
  adf: "Data Factory", databricks: "Databricks", "azure-monitor": "Azure Monitor", servicenow: "ServiceNow",
  solarwinds: "SolarWinds", csv: "CSV", manual: "By hand", hil: "HIL", AI_AUTO_HEAL: "Mend, by itself",
};

/** `rerun_from_failure` → "Rerun from failure". */
export function words(name: string | null | undefined): string {
  if (!name) return "–";
  const text = KEPT[name] ?? name.replace(/[_-]+/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function word(of: Record<string, Word>, name: string): Word {
  return of[name] ?? { label: words(name), tone: "idle", icon: "dashed" };
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`;
}

export function minutes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const plain = (number: number) => String(Math.round(number * 10) / 10);
  if (value < 1) return `${value < 1 / 6 ? plain(value * 60) : Math.round(value * 60)} s`;
  if (value < 120) return `${value < 10 ? plain(value) : Math.round(value)} min`;
  return value < 48 * 60 ? `${plain(value / 60)} h` : `${plain(value / 1_440)} d`;
}

export function seconds(from: string, to: string | null): string {
  const ms = (to ? Date.parse(to) : Date.now()) - Date.parse(from);
  return ms < 1_000 ? `${Math.max(ms, 0)} ms` : minutes(ms / 60_000);
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
