/** What waits for a person's word, and what was decided. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { call } from "../api/client";
import { useWhyNot } from "../api/me";
import { approvalsQuery, has } from "../api/queries";
import type { Approval } from "../api/types";
import { isTyping } from "../shell";
import ApprovalCard from "../ui/approval-card";
import { Ago, Announce, Badge, Confirm, Empty, ErrorPanel, Loaded, NotYet, PageHead, say, Skeleton, StatusBadge, useTitle, type Asked } from "../ui/kit";
import { usePrefs } from "../ui/prefs";
import { APPROVAL_STATES, plural, words } from "../words";

const route = getRouteApi("/approvals");
const DECIDED = "approved,rejected,expired,revoked";

export default function Approvals() {
  useTitle("Approvals");
  const { tab = "pending" } = route.useSearch();
  return (
    <>
      <PageHead title="Approvals" lead="Mend asks before it acts when policy says so, or always in HIL mode." />
      {!has("/v1/approvals") ? (
        <div className="card"><NotYet what="Approvals">What would need one is handed to a person, with the reason: see <Link to="/tickets" search={{ status: "escalated" }}>escalated tickets</Link>.</NotYet></div>
      ) : (
        <>
          <nav aria-label="Which approvals" className="mb-4 flex gap-1 border-b border-line">
            {(["pending", "history"] as const).map((name) => (
              <Link key={name} to="/approvals" search={name === "pending" ? {} : { tab: name }} activeOptions={{ exact: true }} aria-current={tab === name ? "page" : undefined}
                className="-mb-px border-b-2 border-transparent px-3 py-2 text-muted no-underline hover:text-text aria-[current=page]:border-accent aria-[current=page]:font-semibold aria-[current=page]:text-text">{words(name)}</Link>
            ))}
          </nav>
          {tab === "pending" ? <Pending /> : <History />}
        </>
      )}
    </>
  );
}

function Pending() {
  const asked = useQuery(approvalsQuery("pending"));
  const queries = useQueryClient();
  const { shortcuts } = usePrefs();
  const whyNot = useWhyNot("approver");
  const [at, setAt] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [question, setQuestion] = useState<Asked | null>(null);
  const [failed, setFailed] = useState<string[]>([]);
  const items = asked.data?.items ?? [];
  const first = items.find(({ id }) => chosen.has(id));
  const fits = (one: Approval) => one.risk !== "high" && (!first || (first.action === one.action && first.risk === one.risk));
  const batch = items.filter(({ id }) => chosen.has(id));
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
      if (event.key === "j" || event.key === "k") {
        const next = Math.min(items.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)));
        setAt(next);
        document.querySelectorAll("[data-approval]")[next]?.scrollIntoView({ block: "nearest" });
      }
      const one = items[at];
      if (one && !whyNot && (event.key === "a" || event.key === "r")) { event.preventDefault(); ask([one], event.key === "a" ? "approve" : "reject"); }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  function ask(which: Approval[], decision: "approve" | "reject") {
    setQuestion({
      title: `${words(decision)} ${which.length === 1 ? "this" : plural(which.length, "approval")}?`, confirm: words(decision), danger: decision === "reject", reason: decision === "reject" ? 5 : 0,
      typed: which.length === 1 && which[0]?.risk === "high" && decision === "approve" ? which[0].target : undefined,
      children: <ul className="list-disc pl-5">{which.map((one) => <li key={one.id}><strong>{words(one.action)}</strong> of {one.target}, risk {one.risk}</li>)}</ul>,
      run: async (reason) => {
        const body = { items: which.map((one) => ({ id: one.id, decision, reason, plan_hash: one.plan_hash })) };
        if (which.length === 1 && which[0]) await call("POST", `v1/approvals/${which[0].id}/decision`, { decision, reason, plan_hash: which[0].plan_hash });
        else {
          const answer = await call<{ items: { id: string; status: number; problem?: { detail: string } | null }[] }>("POST", "v1/approvals/decisions", body);
          const bad = answer.items.filter(({ status }) => status >= 400);
          setFailed(bad.map((one) => `${which.find(({ id }) => id === one.id)?.target ?? one.id}: ${one.problem?.detail ?? "not decided"}`));
          say(`${which.length - bad.length} decided${bad.length ? `, ${bad.length} not` : ""}`, bad.length ? "err" : "ok");
        }
        setChosen(new Set());
        await queries.invalidateQueries();
        if (which.length === 1) say(decision === "approve" ? "Approved" : "Rejected");
      },
    });
  }
  if (!asked.data) return asked.error ? <ErrorPanel error={asked.error} retry={() => void asked.refetch()} /> : <Skeleton rows={3} className="h-40" />;
  return (
    <>
      <Announce text={plural(items.length, "approval")} />
      {asked.error !== null && <div className="mb-3"><ErrorPanel error={asked.error} /></div>}
      {failed.length > 0 && <div role="alert" className="mb-3"><ul className="list-disc rounded-lg border border-err bg-err-tint p-3 pl-8 text-err">{failed.map((text) => <li key={text}>{text}</li>)}</ul></div>}
      {items.length === 0 && <div className="card"><Empty title="Nothing waits for you" icon="check">When Mend needs a person's word, it is asked for here.</Empty></div>}
      <div className="grid gap-3">
        {items.map((one, index) => (
          <ApprovalCard key={one.id} approval={one} marked={index === at}>
            <input type="checkbox" aria-label={`Select ${words(one.action)} of ${one.target}`} disabled={whyNot !== undefined || (!chosen.has(one.id) && !fits(one))} checked={chosen.has(one.id)}
              title={whyNot ?? (fits(one) ? undefined : "Together only: same action, same risk, and never high")}
              onChange={() => setChosen((now) => { const next = new Set(now); if (!next.delete(one.id)) next.add(one.id); return next; })} />
          </ApprovalCard>
        ))}
      </div>
      {batch.length > 0 && (
        <div role="region" aria-label="Selected approvals" className="sticky bottom-16 z-10 mt-3 flex flex-wrap items-center gap-2 rounded-lg border border-line-strong bg-surface p-3 shadow-lg md:bottom-3">
          <strong>{plural(batch.length, "approval")} selected</strong>
          <button type="button" className="btn btn-primary" onClick={() => ask(batch, "approve")}>Approve …</button>
          <button type="button" className="btn btn-danger" onClick={() => ask(batch, "reject")}>Reject …</button>
          <button type="button" className="btn btn-quiet ml-auto" onClick={() => setChosen(new Set())}>Clear selection</button>
        </div>
      )}
      <Confirm asked={question} onClose={() => setQuestion(null)} />
    </>
  );
}

function History() {
  const [status, setStatus] = useState(DECIDED);
  const asked = useQuery(approvalsQuery(status));
  const queries = useQueryClient();
  const [question, setQuestion] = useState<Asked | null>(null);
  const standing = (one: Approval) => one.status === "approved" && !!one.execute_by && Date.parse(one.execute_by) > Date.now() && has("/v1/approvals/{approval_id}/take-back");
  const takeBack = (one: Approval) => setQuestion({
    title: "Take this yes back?", confirm: "Take back", danger: true, reason: 5,
    children: <p><strong>{words(one.action)}</strong> of {one.target}. Possible as long as nothing has been sent for it; people are asked again.</p>,
    run: async (reason) => { await call("POST", `v1/approvals/${one.id}/take-back`, { reason }); say("Taken back"); await queries.invalidateQueries(); },
  });
  return (
    <>
      <label className="mb-3 block"><span className="sr-only">Status</span><select className="control" value={status} onChange={(event) => setStatus(event.target.value)}><option value={DECIDED}>All decided</option>{Object.keys(APPROVAL_STATES).filter((one) => one !== "pending").map((one) => <option key={one} value={one}>{words(one)}</option>)}</select></label>
      <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label="History">
        <Loaded of={asked} rows={5}>{({ items }) => (items.length === 0 ? <Empty title={status === DECIDED ? "Nothing was decided yet" : `Nothing was ${status}`} /> : (
          <table className="table"><caption className="sr-only">Decided approvals</caption>
            <thead><tr><th scope="col">Status</th><th scope="col">Action</th><th scope="col">Target</th><th scope="col">Risk</th><th scope="col">Asked</th><th scope="col">Decided</th><th scope="col">By</th><th scope="col">Reason</th><th scope="col">Ticket</th></tr></thead>
            <tbody>{items.map((one) => (
              <tr key={one.id}><td><StatusBadge status={one.status} of={APPROVAL_STATES} /></td><td>{words(one.action)}</td><td>{one.target}</td><td><Badge tone="idle">{one.risk}</Badge></td><td><Ago at={one.requested_at} /></td><td><Ago at={one.decided_at} /></td><td>{one.decided_by ?? "–"}{standing(one) && <button type="button" className="btn mt-1 min-h-6 py-0" onClick={() => takeBack(one)}>Take back …</button>}</td><td>{one.reason || "–"}</td><td><Link to="/tickets/$id" params={{ id: one.ticket_id }} className="code">{one.ticket_id}</Link></td></tr>
            ))}</tbody></table>
        ))}</Loaded>
      </div>
      <Confirm asked={question} onClose={() => setQuestion(null)} />
    </>
  );
}
