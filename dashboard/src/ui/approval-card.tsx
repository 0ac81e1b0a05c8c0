/** One approval: what will run and why, how long there is, and the decision. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { call, Problem } from "../api/client";
import type { Approval } from "../api/types";
import { APPROVAL_STATES, words } from "../words";
import { Icon } from "./icons";
import { Ago, Badge, Confirm, ErrorPanel, Facts, Field, say, StatusBadge, type Asked } from "./kit";
import { Needs } from "./needs";

const RISKS = { low: "ok", medium: "warn", high: "err" } as const;

/** Anything the API gives, as text: an object's usual words first. */
export function told(value: unknown): string {
  if (typeof value === "string") return value;
  if (value && typeof value === "object") {
    const { rule, text, message, id, source } = value as Record<string, unknown>; // a reason or a piece of evidence
    const said = text ?? message;
    if (typeof said === "string") return [rule ?? source ?? id, said].filter((one) => typeof one === "string").join(": ");
  }
  return JSON.stringify(value);
}

const HEADING = new Set(["action", "target", "risk"]);

/** The words of a plan that a person decides by; all of it, to the letter, is one click away. */
function Plan({ plan }: { plan: Record<string, unknown> }) {
  const text = (name: string) => (typeof plan[name] === "string" ? plan[name] : "");
  const steps = Array.isArray(plan["steps"]) ? plan["steps"].map((one) => (typeof one === "string" ? words(one) : told(one))) : [];
  const facts: [string, ReactNode][] = [
    ...(text("scope") ? [["Where", <span key="w" title={text("scope")}>{text("scope").split("/").filter(Boolean).at(-1)}</span>] as [string, ReactNode]] : []),
    ...(text("run_id") ? [["Failed run", <span key="r" className="code">{text("run_id")}</span>] as [string, ReactNode]] : []),
    ...(steps.length ? [["Steps", steps.join(" → ")] as [string, ReactNode]] : []),
    ...(typeof plan["attempt_number"] === "number" ? [["Attempt", `${plan["attempt_number"]}`] as [string, ReactNode]] : []),
  ];
  const rest = Object.entries(plan).filter(([name, value]) => !HEADING.has(name) && value !== null && !(Array.isArray(value) && value.length === 0));
  return (
    <>
      {facts.length ? <Facts of={facts} /> : <p className="text-muted">The action and its target are all there is.</p>}
      {rest.length > 0 && <details className="mt-1"><summary className="more">The whole plan</summary><div className="mt-1"><Facts of={rest.map(([name, value]) => [words(name), <span key={name} className="code">{Array.isArray(value) ? value.map(told).join(", ") : told(value)}</span>])} /></div></details>}
    </>
  );
}

export default function ApprovalCard({ approval, marked = false, children }: { approval: Approval; marked?: boolean; children?: ReactNode }) {
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const [gone, setGone] = useState(false);
  const [wrong, setWrong] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const pending = approval.status === "pending";
  async function decide(decision: "approve" | "reject") {
    if (gone) return;
    if (decision === "reject" && reason.trim().length < 5) {
      setWrong("Say why, in at least 5 characters.");
      document.getElementById(`reason-${approval.id}`)?.querySelector("textarea")?.focus();
      return;
    }
    setWrong("");
    setError(null);
    setGone(true); // at once; it comes back if it fails
    try {
      await call("POST", `v1/approvals/${approval.id}/decision`, { decision, reason: reason.trim(), plan_hash: approval.plan_hash });
      say(decision === "approve" ? `Approved: ${words(approval.action)}` : "Rejected");
    } catch (problem) {
      setGone(false);
      setError(problem);
    } finally {
      await queries.invalidateQueries();
    }
  }
  const delegate = () => setAsked({
    title: "Hand it on", confirm: "Hand on", reason: 3, children: <p>Type who should decide instead: a name or an address.</p>,
    run: async (to) => { await call("POST", `v1/approvals/${approval.id}/delegate`, { to }); say(`Handed on to ${to}`); await queries.invalidateQueries(); },
  });
  const approve = () => (approval.risk === "high"
    ? setAsked({ title: "Approve something of high risk?", confirm: "Approve", danger: true, typed: approval.target, children: <p><strong>{words(approval.action)}</strong> of <strong>{approval.target}</strong>.</p>, run: () => decide("approve") })
    : void decide("approve"));
  const changed = error instanceof Problem && error.status === 409;
  return (
    <article hidden={gone} aria-label={`${words(approval.action)} of ${approval.target}`} data-approval={approval.id} className={`card p-4 ${marked ? "border-accent" : ""}`}>
      <div className="flex items-start gap-2">
        {children && <span className="flex min-h-6 items-center">{children}</span>}
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-2">
          <h2 className="text-base font-semibold">{words(approval.action)} <span className="text-muted">of</span> {approval.target}</h2>
          <Badge tone={RISKS[approval.risk as keyof typeof RISKS] ?? "idle"} icon="warning">Risk {approval.risk}</Badge>
          <StatusBadge status={approval.status} of={APPROVAL_STATES} />
          <span className="ml-auto text-muted">{pending ? <>{Date.parse(approval.expires_at) > Date.now() ? "expires" : "expired"} <Ago at={approval.expires_at} /></> : <>{approval.decided_by ?? "nobody"}, <Ago at={approval.decided_at} /></>}</span>
        </div>
      </div>
      <div className="mt-3 grid gap-4 md:grid-cols-2">
        <div>
          {approval.title && <p className="mb-2"><Link to="/tickets/$id" params={{ id: approval.ticket_id }} className="font-medium">{approval.title}</Link></p>}
          <h3 className="label mb-1.5">What will run</h3><Plan plan={approval.plan} /><p className="label mt-2">Plan <span className="code">{approval.plan_hash.slice(0, 12)}</span> · {approval.ticket_id}</p>
          {(approval.quorum ?? 1) > 1 && <p className="mt-2"><Badge tone="hold" icon="person">{(approval.votes ?? []).filter(({ decision }) => decision === "approve").length} of {approval.quorum} people agree</Badge></p>}
          {approval.approvers.length > 0 && <p className="mt-2"><span className="label">Handed on to </span>{approval.approvers.join(", ")}</p>}
        </div>
        <div>
          {approval.root_cause && <><h3 className="label mb-1.5">Cause</h3><p className="mb-3">{approval.root_cause}{typeof approval.confidence === "number" && <span className="text-muted"> ({Math.round(approval.confidence * 100)} % sure)</span>}</p></>}
          <h3 className="label mb-1.5">Why a person is asked</h3>
          <ul className="list-disc pl-5">{(approval.reasons ?? []).map((one, index) => <li key={index} className="first-letter:uppercase">{told(one)}</li>)}</ul>
          {(approval.evidence ?? []).length > 0 && <details className="mt-2" open={marked}><summary className="more">Evidence</summary><ul className="mt-1 grid gap-1.5">{approval.evidence.map((one, index) => <li key={index} className="code rounded bg-surface-2 p-2 whitespace-pre-wrap">{told(one)}</li>)}</ul></details>}
        </div>
      </div>
      {approval.reason && <p className="mt-3"><span className="label">Reason: </span>{approval.reason}</p>}
      {pending && (
        <div className="mt-4 grid gap-3 border-t border-line pt-3">
          {changed && <p role="alert" className="rounded-lg border border-warn bg-warn-tint p-3 text-warn"><strong>The plan has changed, or somebody decided.</strong> {error.detail} Look at it again; nothing was approved.</p>}
          {error !== null && !changed && <ErrorPanel error={error} />}
          <Needs role="approver">
          <div id={`reason-${approval.id}`}><Field label="Reason" hint="Needed to reject; kept in the audit trail." error={wrong || undefined}>{(props) => <textarea {...props} className="control w-full" rows={2} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />}</Field></div>
          <div className="flex flex-wrap gap-2">
            <button type="button" className="btn btn-primary" onClick={approve}><Icon name="check" />Approve</button>
            <button type="button" className="btn btn-danger" onClick={() => void decide("reject")}><Icon name="cross" />Reject</button>
            <button type="button" className="btn btn-quiet" onClick={delegate}><Icon name="person" />Hand on</button>
          </div>
          </Needs>
        </div>
      )}
      <Confirm asked={asked} onClose={() => setAsked(null)} />
    </article>
  );
}
