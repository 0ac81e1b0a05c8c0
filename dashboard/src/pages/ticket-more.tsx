/** The rest of a ticket: every attempt, its audit trail, and all of it as the API shows it. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Ticket } from "../api/client";
import { auditQuery } from "../api/queries";
import Gantt from "../ui/gantt";
import { Icon } from "../ui/icons";
import { Ago, AttemptBadge, Card, Copy, Empty, ErrorPanel, Facts, Skeleton } from "../ui/kit";
import { seconds, words } from "../words";

export function Attempts({ ticket }: { ticket: Ticket }) {
  if (ticket.attempts.length === 0) return <div className="card"><Empty title="No attempts" icon="check">Mend has changed nothing about this{ticket.outcome ? `: ${words(ticket.outcome).toLowerCase()}` : " yet"}.</Empty></div>;
  return (
    <div className="grid gap-4">
      <Card title="On the time axis"><Gantt ticket={ticket} /></Card>
      {ticket.attempts.map((one) => (
        <Card key={one.number} title={`Attempt ${one.number}: ${words(one.action)}`} aside={<span className="flex gap-2">{one.outcome && <span className="text-muted">{words(one.outcome)}</span>}<AttemptBadge state={one.state} /></span>}>
          <div className="grid gap-4 md:grid-cols-2">
            <Facts of={[
              ["Target", one.target], ["Answers", <span key="a" className="code">{one.reference_run_id}</span>], ["Led to", one.external_run_id ? <span key="l" className="code">{one.external_run_id}</span> : "–"],
              ["Started", <Ago key="s" at={one.started_at} />], ["Sent", <Ago key="se" at={one.sent_at} />], ["Took", seconds(one.started_at, one.ended_at)],
              ...(one.error ? [["Error", <span key="e" className="text-err">{one.error}</span>] as [string, ReactNode]] : []),
            ]} />
            <div><p className="label mb-1.5">Steps</p>
              <ol className="grid gap-1">{one.plan.map((step, index) => (
                <li key={`${step}${index}`} className="flex items-center gap-2"><Icon name={index < one.taken.length || one.state === "succeeded" ? "check" : "dashed"} size={14} className="text-muted" />{words(step)}{one.taken[index]?.external_id && <span className="code text-muted">{one.taken[index].external_id}</span>}</li>
              ))}</ol>
              {one.undone && <p className="mt-2 text-muted">What was changed for this attempt only is taken back.</p>}
              {one.callback && <p className="mt-2 text-muted">Callback: {one.callback.status} <Ago at={one.callback.at} /></p>}
            </div>
          </div>
        </Card>
      ))}
    </div>
  );
}

export function Trail({ id }: { id: string }) {
  const trail = useQuery(auditQuery({ subject: id }, 0));
  if (!trail.data) return trail.error ? <ErrorPanel error={trail.error} /> : <Skeleton rows={6} />;
  return (
    <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label="Audit trail of this ticket">
      <table className="table"><thead><tr><th scope="col">#</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Why</th></tr></thead>
        <tbody>{trail.data.items.map((entry) => <tr key={entry.seq}><td>{entry.seq}</td><td><Ago at={entry.at} /></td><td>{entry.actor}</td><td className="code">{entry.action}</td><td>{entry.reason}</td></tr>)}</tbody></table>
    </div>
  );
}

export function Raw({ ticket }: { ticket: Ticket }) {
  const text = JSON.stringify(ticket, null, 2);
  return <Card title="As the API shows it" aside={<Copy text={text} label="Copy the JSON" />} pad={false}><pre className="code max-h-[70vh] overflow-auto p-4 whitespace-pre-wrap" tabIndex={0}>{text}</pre></Card>;
}
