/** The stages of a ticket's way: a pure function of the ticket and its events. */
import type { Ticket, TicketEvent } from "../api/client";
import { FINAL, seconds, words } from "../words";

export interface Stage {
  name: "received" | "analysis" | "decision" | "approval" | "action" | "watch" | "end";
  label: string;
  state: "done" | "current" | "waiting" | "failed" | "skipped" | "ahead";
  took?: string | undefined;
  note?: string | undefined;
}

const STAGE_OF: [string, Stage["name"]][] = [
  ["ticket.opened", "received"], ["ticket.duplicate", "received"], ["remediation.started", "analysis"], ["run.", "analysis"], ["analysis.", "analysis"], ["decision.", "decision"],
  ["approval.", "approval"], ["remediation.succeeded", "watch"], ["remediation.failed", "watch"], ["verification.", "watch"], ["remediation.verified", "watch"], ["remediation.", "action"], ["undo.", "action"],
  ["ticket.resolved", "end"], ["ticket.escalated", "end"], ["ticket.closed", "end"],
];
export const STAGE_LABELS: Record<Stage["name"], string> = {
  received: "Received", analysis: "Analysed", decision: "Decided", approval: "Approval", action: "Acted", watch: "Watched", end: "Over",
};

export function stageOf(type: string): Stage["name"] {
  return STAGE_OF.find(([start]) => type.startsWith(start))?.[1] ?? "received";
}

const NOW: Record<string, Stage["name"]> = { open: "received", analyzing: "analysis", awaiting_approval: "approval", remediating: "action", monitoring: "watch" };

export function stagesOf(ticket: Ticket, events: TicketEvent[]): Stage[] {
  const over = FINAL.has(ticket.status);
  const now = over ? "end" : (NOW[ticket.status] ?? "received");
  const order = Object.keys(STAGE_LABELS) as Stage["name"][];
  const seen = new Map<Stage["name"], TicketEvent[]>();
  for (const event of events) {
    const stage = stageOf(event.type);
    seen.set(stage, [...(seen.get(stage) ?? []), event]);
  }
  return order.map((name, index) => {
    const mine = seen.get(name) ?? [];
    const first = mine[0], next = first && events.find((event) => event.seq > (mine.at(-1)?.seq ?? 0));
    const reached = index <= order.indexOf(now);
    let state: Stage["state"] = reached ? (mine.length > 0 ? "done" : over ? "skipped" : "ahead") : mine.length > 0 ? "done" : "ahead";
    if (name === "approval" && mine.length === 0 && reached && now !== "approval") state = "skipped";
    if (name === now) state = over ? (ticket.status === "escalated" ? "failed" : "done") : name === "approval" ? "waiting" : "current";
    const label = name === "end" && over ? words(ticket.status) : STAGE_LABELS[name];
    const took = state === "done" && first && name !== "end" ? seconds(first.at, next?.at ?? mine.at(-1)?.at ?? first.at) : undefined;
    const note = name === "end" && ticket.outcome ? words(ticket.outcome) : name === "decision" && ticket.decision && state === "done" ? words(ticket.decision.outcome) : name === "action" && ticket.attempts.length > 1 ? `${ticket.attempts.length} attempts` : undefined;
    return { name, label, state, took, note };
  });
}
