/** One ticket: where it is on its way, what is believed and why, what was done, what it waits for. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { api, call, data, Problem, type Ticket, type TicketEvent } from "../api/client";
import { approvalsQuery, auditQuery, eventsQuery, has, modeQuery, ticketQuery, ticketsQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { Ago, AttemptBadge, Badge, Card, Confidence, Confirm, Copy, Empty, ErrorPanel, Facts, PageHead, say, SeverityMark, Skeleton, StatusBadge, useTitle, type Asked } from "../ui/kit";
import { stagesOf, type Stage } from "../ui/stages";
import { FINAL, minutes, plural, seconds, VERDICTS, word, words } from "../words";

const Activity = lazy(() => import("./ticket-activity"));
const Edit = lazy(() => import("./ticket-edit"));
const ApprovalCard = lazy(() => import("../ui/approval-card"));
const route = getRouteApi("/tickets/$id");
const TABS = { overview: "Overview", activity: "Activity", attempts: "Attempts", audit: "Audit", raw: "Raw" } as const;

export default function TicketPage() {
  const { id } = route.useParams();
  const { tab = "overview" } = route.useSearch();
  const ticket = useQuery(ticketQuery(id));
  const events = useQuery(eventsQuery(id, FINAL.has(ticket.data?.status ?? "")));
  useTitle(ticket.data ? `${ticket.data.title}` : id);
  if (ticket.error instanceof Problem && ticket.error.status === 404) {
    return <><PageHead title={`There is no ticket ${id}`} /><div className="card"><Empty title="Not found" icon="search">It may have been mistyped. <Link to="/tickets">See all tickets</Link></Empty></div></>;
  }
  if (!ticket.data) {
    return <><PageHead title={id} />{ticket.error ? <ErrorPanel error={ticket.error} retry={() => void ticket.refetch()} /> : <Skeleton rows={6} className="h-16" />}</>;
  }
  const one: Ticket = ticket.data, told = events.data ?? [];
  return (
    <>
      <Head ticket={one} />
      {ticket.error !== null && <div className="mb-3"><ErrorPanel error={ticket.error} /></div>}
      <Stepper stages={stagesOf(one, told)} />
      <nav aria-label="About this ticket" className="mb-4 flex gap-1 overflow-x-auto border-b border-line">
        {Object.entries(TABS).map(([name, label]) => (
          <Link key={name} to="/tickets/$id" params={{ id }} search={name === "overview" ? {} : { tab: name as keyof typeof TABS }} aria-current={tab === name ? "page" : undefined} resetScroll={false}
            className="-mb-px border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-muted no-underline hover:text-text aria-[current=page]:border-accent aria-[current=page]:font-semibold aria-[current=page]:text-text">
            {label}{name === "attempts" && one.attempts.length > 0 ? ` (${one.attempts.length})` : ""}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Skeleton rows={5} className="h-10" />}>
        {tab === "overview" && <Overview ticket={one} events={told} />}
        {tab === "activity" && <Activity ticket={one} events={told} />}
        {tab === "attempts" && <Attempts ticket={one} />}
        {tab === "audit" && <Trail id={id} />}
        {tab === "raw" && <Raw ticket={one} />}
      </Suspense>
    </>
  );
}

function Head({ ticket }: { ticket: Ticket }) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [editing, setEditing] = useState(false);
  const over = FINAL.has(ticket.status);
  const reload = () => queries.invalidateQueries();
  const stop = () => setAsked({
    title: "Stop working on this ticket?", confirm: "Stop", danger: true, reason: 0,
    children: <p>An attempt that is under way is watched to its end; nothing new is sent. The ticket closes as cancelled.</p>,
    run: async (reason) => {
      await data(api.POST("/v1/tickets/{ticket_id}/cancel", { params: { path: { ticket_id: ticket.id } }, body: { reason } }));
      say("Asked to stop"); await reload();
    },
  });
  const act = () => setAsked({
    title: "Let Mend act on this?", confirm: `Ask for ${words(ticket.analysis?.action)}`, reason: 5,
    children: <p>Target <strong>{ticket.resource.name}</strong>, action <strong>{words(ticket.analysis?.action)}</strong>. The same policy looks at it as always, and the same record is kept.</p>,
    run: async (reason) => {
      await call("POST", `v1/tickets/${ticket.id}/remediate`, { reason, action: ticket.analysis?.action }, { "Idempotency-Key": crypto.randomUUID() });
      say("Asked for it"); await reload();
    },
  });
  return (
    <PageHead title={ticket.title}
      before={<p className="mb-1 flex flex-wrap items-center gap-x-2 text-xs text-muted"><Link to="/tickets">Tickets</Link><span aria-hidden="true">/</span><span className="code">{ticket.id}</span><Copy text={ticket.id} label="Copy the id" /></p>}
      lead={
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <StatusBadge status={ticket.status} />
          {ticket.outcome && <span className="font-medium text-text">{words(ticket.outcome)}</span>}
          <SeverityMark severity={ticket.severity} />
          <span>opened <Ago at={ticket.created_at} /></span>
          {ticket.mttr_minutes !== null && <span>healed in <strong className="text-text">{minutes(ticket.mttr_minutes)}</strong></span>}
          <SlaMark ticket={ticket} />
          {ticket.assignee && <span className="flex items-center gap-1"><Icon name="person" size={14} />{ticket.assignee}</span>}
          {ticket.cancel_requested && !over && <Badge tone="warn" icon="stop">Stops after the step in flight</Badge>}
        </div>
      }>
      {has("/v1/tickets/{ticket_id}/remediate") && ticket.status === "escalated" && ticket.analysis && <button type="button" className="btn" onClick={act}><Icon name="play" />Act on it</button>}
      <button type="button" className="btn" onClick={() => setEditing(true)}>Edit, add a note</button>
      {!over && <button type="button" className="btn btn-danger" onClick={stop}><Icon name="stop" />Stop</button>}
      <Confirm asked={asked} onClose={() => setAsked(null)} />
      {editing && <Suspense><Edit ticket={ticket} onClose={() => setEditing(false)} /></Suspense>}
    </PageHead>
  );
}

function SlaMark({ ticket }: { ticket: Ticket }) {
  const { status, target_minutes: target } = ticket.sla;
  if (status) return <Badge tone={status === "Met" ? "ok" : "err"} icon={status === "Met" ? "check" : "clock"}>SLA {status.toLowerCase()}</Badge>;
  if (FINAL.has(ticket.status)) return <span>SLA {minutes(target)}, no verdict</span>;
  const left = target - (Date.now() - Date.parse(ticket.created_at)) / 60_000;
  return <Badge tone={left < 0 ? "err" : left < target / 4 ? "warn" : "idle"} icon="clock">{left < 0 ? `SLA over by ${minutes(-left)}` : `SLA in ${minutes(left)}`}</Badge>;
}

const MARKS: Record<Stage["state"], { dot: string; says: string }> = {
  done: { dot: "bg-ok text-surface", says: "done" },
  current: { dot: "bg-accent text-on-accent", says: "now" },
  waiting: { dot: "bg-hold text-surface", says: "waiting" },
  failed: { dot: "bg-err text-surface", says: "ended here" },
  skipped: { dot: "bg-surface-2 text-muted border border-line-strong", says: "not needed" },
  ahead: { dot: "bg-surface-2 text-muted border border-line-strong", says: "ahead" },
};

function Stepper({ stages }: { stages: Stage[] }) {
  return (
    <ol aria-label="Way through the flow" className="card mb-4 grid gap-x-1 gap-y-3 p-4 sm:grid-cols-2 lg:grid-cols-7">
      {stages.map(({ name, label, state, took, note }) => (
        <li key={name} aria-current={state === "current" || state === "waiting" ? "step" : undefined} data-stage={name} data-state={state} className="flex min-w-0 items-start gap-2">
          <span className={`mt-0.5 grid size-5 shrink-0 place-items-center rounded-full ${MARKS[state].dot}`}>
            <Icon size={12} name={state === "done" ? "check" : state === "failed" ? "person" : state === "waiting" ? "pause" : state === "current" ? "spinner" : "dashed"} className={state === "current" ? "spin" : ""} />
          </span>
          <span className="min-w-0">
            <span className={`block font-medium ${state === "ahead" || state === "skipped" ? "text-muted" : ""}`}>{label}<span className="sr-only">: {MARKS[state].says}</span></span>
            <span className="block text-xs text-muted">{took ?? MARKS[state].says}{note ? ` · ${note}` : ""}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function Overview({ ticket, events }: { ticket: Ticket; events: TicketEvent[] }) {
  const mode = useQuery(modeQuery);
  const { analysis, decision } = ticket;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px]">
      <div className="grid min-w-0 gap-4">
        {ticket.status === "awaiting_approval" && <Waiting ticket={ticket} />}
        {ticket.summary && <Card title={ticket.outcome === "healed" ? "What happened" : "For the person who takes over"}><Multiline text={ticket.summary} /></Card>}
        <Card title="Analysis" aside={analysis && <Badge tone={analysis.classification === "true_positive" ? "info" : analysis.classification === "false_positive" ? "ok" : "warn"}>{words(analysis.classification)}</Badge>}>
          {analysis ? (
            <div className="grid gap-4">
              <p className="text-base font-medium">{analysis.root_cause || "The cause is not known."}</p>
              <Confidence value={analysis.confidence} threshold={mode.data?.confidence_threshold} />
              <Facts of={[
                ["Category", words(analysis.category)], ["Signature", analysis.signature ? <Link to="/tickets" search={{ q: analysis.signature }} className="code">{analysis.signature}</Link> : "–"],
                ["Found by", words(analysis.method)], ["Suggests", `${words(analysis.action)}, risk ${analysis.risk}`], ["Rerun safety", words(analysis.rerun_safety)],
              ]} />
              <div>
                <h3 className="label mb-1.5">Evidence</h3>
                <ol className="grid gap-2">
                  {analysis.evidence.map((piece) => (
                    <li key={piece.id} className="rounded-md border border-line bg-surface-2 p-2.5">
                      <p className="label mb-1">{piece.id} · {piece.source}</p>
                      <p className="code max-h-48 overflow-auto whitespace-pre-wrap" tabIndex={0} role="group" aria-label={`Evidence ${piece.id}`}>{piece.text}</p>
                    </li>
                  ))}
                  {analysis.evidence.length === 0 && <li className="text-muted">None was found.</li>}
                </ol>
              </div>
              {analysis.recommendations.length > 0 && (
                <div><h3 className="label mb-1.5">Recommendations</h3><ul className="list-disc pl-5">{analysis.recommendations.map((text) => <li key={text}>{text}</li>)}</ul></div>
              )}
            </div>
          ) : <p className="text-muted">{FINAL.has(ticket.status) ? "It ended before an analysis was made." : "The system of record is being read."}</p>}
        </Card>
        <Card title="Decision" aside={decision && <StatusBadge status={decision.outcome} of={VERDICTS} />}>
          {decision ? <DecisionView ticket={ticket} /> : <p className="text-muted">Nothing was decided yet.</p>}
        </Card>
        {ticket.attempts.length > 0 && <Card title="Attempts"><Gantt ticket={ticket} /></Card>}
        <Card title="Latest" aside={<Link to="/tickets/$id" params={{ id: ticket.id }} search={{ tab: "activity" }} resetScroll={false}>All activity</Link>}>
          <ol className="grid gap-1.5">{events.slice(-6).reverse().map((event) => <EventLine key={event.seq} event={event} />)}</ol>
        </Card>
      </div>
      <aside className="grid min-w-0 gap-4" aria-label="Facts and related tickets">
        <Card title="Facts"><Facts of={facts(ticket)} /></Card>
        <Duplicates ticket={ticket} />
        <Similar ticket={ticket} />
        <Card title="Runbooks"><p className="text-muted">Runbooks that match would be listed here. <Link to="/runbooks">Runbooks</Link> are not available yet.</p></Card>
        {ticket.notes.length > 0 && <Card title="Notes from intake"><ul className="list-disc pl-5 text-muted">{ticket.notes.map((note) => <li key={note}>{note}</li>)}</ul></Card>}
      </aside>
    </div>
  );
}

function facts(ticket: Ticket): [string, ReactNode][] {
  const { resource } = ticket;
  return [
    ["Target", <span key="t">{words(resource.kind)} <strong>{resource.name}</strong></span>],
    ["Where", <span key="w" className="code">{resource.scope}</span>],
    ["Run", resource.run_id ? <span key="r" className="code">{resource.run_id} <Copy text={resource.run_id} label="Copy the run id" /></span> : "not said"],
    ["Reported by", words(ticket.source)], ["Environment", ticket.environment ?? "–"], ["Service", ticket.service ?? "–"],
    ["Servers", ticket.ci.length ? ticket.ci.join(", ") : "none named"], ["Assignee", ticket.assignee ?? "nobody"], ["Closed by", words(ticket.closed_by)],
    ["Opened", <Ago key="o" at={ticket.created_at} />], ["Closed", <Ago key="c" at={ticket.closed_at} />],
    ...(ticket.description ? [["Description", <Multiline key="d" text={ticket.description} />] as [string, ReactNode]] : []),
  ];
}

/** Text as it is: nothing in it is markup. */
const Multiline = ({ text }: { text: string }) => <p className="max-w-[80ch] whitespace-pre-wrap">{text}</p>;

function DecisionView({ ticket: { decision } }: { ticket: Ticket }) {
  if (!decision) return null;
  const decisive = decision.reasons.filter(({ verdict }) => verdict !== "allow");
  const line = (reason: { rule: string; verdict: string; text: string }) => {
    const { tone, icon } = word(VERDICTS, reason.verdict);
    const color = { ok: "text-ok", err: "text-err", hold: "text-hold", warn: "text-warn", info: "text-info", idle: "text-idle" }[tone];
    return <li key={reason.rule} className="flex items-start gap-2"><Icon name={icon} size={14} className={`mt-1 ${color}`} /><span><span className="font-medium">{words(reason.rule)}</span>: {reason.text}<span className="sr-only"> ({word(VERDICTS, reason.verdict).label})</span></span></li>;
  };
  return (
    <div className="grid gap-3">
      <p><strong>{words(decision.action)}</strong>, risk {decision.risk}. {decisive.length === 0 ? `All ${decision.reasons.length} rules allow it.` : `${plural(decisive.length, "rule")} of ${decision.reasons.length} decided:`}</p>
      {decisive.length > 0 && <ul className="grid gap-1">{decisive.map(line)}</ul>}
      <details><summary className="more">{decisive.length ? "Every rule" : "See why"}</summary><ul className="mt-2 grid gap-1">{decision.reasons.map(line)}</ul></details>
      <p className="label">Policy {decision.policy_version} · facts <span className="code">{decision.input_hash.slice(0, 12)}</span></p>
    </div>
  );
}

function Waiting({ ticket }: { ticket: Ticket }) {
  const pending = useQuery(approvalsQuery("pending"));
  const found = pending.data?.items.find((one) => one.ticket_id === ticket.id);
  if (found) return <Suspense><ApprovalCard approval={found} /></Suspense>;
  return <Card title="Waits for a person"><p>Mend asks before it acts. <Link to="/approvals">See approvals</Link></p></Card>;
}

function Duplicates({ ticket }: { ticket: Ticket }) {
  if (!ticket.duplicate_count && ticket.occurrences.length === 0 && ticket.children.length === 0 && !ticket.parent_id) return null;
  return (
    <Card title="Duplicates and relatives">
      {ticket.duplicate_count > 0 && <p>{plural(ticket.duplicate_count, "more alert")} about the same thing.</p>}
      {ticket.occurrences.length > 0 && (
        <div className="mt-2"><p className="label">Other runs that failed meanwhile</p>
          <ul>{ticket.occurrences.map((run) => <li key={run.run_id} className="code">{run.run_id} · <Ago at={run.at} /></li>)}</ul></div>
      )}
      {ticket.parent_id && <p>Part of <Link to="/tickets/$id" params={{ id: ticket.parent_id }}>{ticket.parent_id}</Link>, the incident.</p>}
      {ticket.children.length > 0 && <ul>{ticket.children.map((id) => <li key={id}><Link to="/tickets/$id" params={{ id }}>{id}</Link></li>)}</ul>}
    </Card>
  );
}

function Similar({ ticket }: { ticket: Ticket }) {
  const q = ticket.analysis?.signature ?? "";
  const found = useQuery({ ...ticketsQuery({ q }, undefined, undefined, 6), enabled: q !== "", refetchInterval: false });
  const others = (found.data?.items ?? []).filter(({ id }) => id !== ticket.id).slice(0, 5);
  if (!q || others.length === 0) return null;
  return (
    <Card title="Same cause before">
      <ul className="grid gap-2">{others.map((one) => (
        <li key={one.id}><Link to="/tickets/$id" params={{ id: one.id }} className="block truncate">{one.title}</Link><span className="flex items-center gap-2 text-xs text-muted"><StatusBadge status={one.status} /><Ago at={one.created_at} /></span></li>
      ))}</ul>
    </Card>
  );
}

const ACTORS = { system: "robot", agent: "robot" } as const;

export function EventLine({ event, full = false }: { event: TicketEvent; full?: boolean }) {
  const facts = Object.keys(event.data ?? {}).length > 0;
  return (
    <li id={`e${event.seq}`} className="grid grid-cols-[20px_minmax(0,1fr)] gap-x-2 rounded-md px-1 py-0.5 target:bg-accent-soft">
      <Icon name={ACTORS[event.actor as keyof typeof ACTORS] ?? "person"} size={14} className="mt-1 text-muted" />
      <div className="min-w-0">
        <p>{event.message} <span className="label">{event.actor !== "system" && `${event.actor} · `}<Ago at={event.at} /></span></p>
        {full && (
          <p className="label flex flex-wrap items-center gap-2"><a href={`#e${event.seq}`} className="inline-grid min-h-6 min-w-6 place-items-center text-muted">#{event.seq}</a><span className="code">{event.type}</span></p>
        )}
        {full && facts && <details className="text-xs"><summary className="more">Data</summary><pre className="code mt-1 max-h-72 overflow-auto rounded bg-surface-2 p-2 whitespace-pre-wrap" tabIndex={0}>{JSON.stringify(event.data, null, 1)}</pre></details>}
      </div>
    </li>
  );
}

/** Attempts as bars on one axis; a bar is as wide as the attempt was long. */
export function Gantt({ ticket }: { ticket: Ticket }) {
  const begin = Date.parse(ticket.created_at);
  const ends = ticket.attempts.map((one) => (one.ended_at ? Date.parse(one.ended_at) : Date.now()));
  const end = Math.max(begin + 1_000, ticket.closed_at ? Date.parse(ticket.closed_at) : Date.now(), ...ends);
  const at = (time: number) => ((time - begin) / (end - begin)) * 560;
  const height = ticket.attempts.length * 30 + 26;
  const colors: Record<string, string> = { succeeded: "var(--ok)", failed: "var(--err)", timed_out: "var(--err)", cancelled: "var(--idle)", unknown: "var(--warn)" };
  return (
    <svg viewBox={`0 0 640 ${height}`} className="block h-auto w-full" role="img" aria-label={`Attempts: ${ticket.attempts.map((one) => `${one.number} ${words(one.action)} ${words(one.state)}, ${seconds(one.started_at, one.ended_at)}`).join("; ")}`}>
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <g key={share}><line x1={60 + 560 * share} x2={60 + 560 * share} y1={0} y2={height - 20} stroke="var(--line)" />
          <text x={60 + 560 * share} y={height - 6} textAnchor={share === 1 ? "end" : "middle"} fontSize="11" fill="var(--muted)">+{minutes(((end - begin) * share) / 60_000)}</text></g>
      ))}
      {ticket.attempts.map((one, row) => {
        const from = at(Date.parse(one.started_at)), to = at(ends[row] ?? end);
        return (
          <g key={one.number} data-attempt={one.number} transform={`translate(60 ${row * 30})`}>
            <title>{`${words(one.action)}: ${words(one.state)}`}</title>
            <text x={-8} y={18} textAnchor="end" fontSize="12" fill="var(--text)">#{one.number}</text>
            <rect x={from} y={5} width={Math.max(2, to - from)} height={18} rx="3" fill={colors[one.state] ?? "var(--info)"} />
          </g>
        );
      })}
    </svg>
  );
}

function Attempts({ ticket }: { ticket: Ticket }) {
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

function Trail({ id }: { id: string }) {
  const trail = useQuery(auditQuery({ subject: id }, 0));
  if (!trail.data) return trail.error ? <ErrorPanel error={trail.error} /> : <Skeleton rows={6} />;
  return (
    <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label="Audit trail of this ticket">
      <table className="table"><thead><tr><th scope="col">#</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Why</th></tr></thead>
        <tbody>{trail.data.items.map((entry) => <tr key={entry.seq}><td>{entry.seq}</td><td><Ago at={entry.at} /></td><td>{entry.actor}</td><td className="code">{entry.action}</td><td>{entry.reason}</td></tr>)}</tbody></table>
    </div>
  );
}

function Raw({ ticket }: { ticket: Ticket }) {
  const text = JSON.stringify(ticket, null, 2);
  return <Card title="As the API shows it" aside={<Copy text={text} label="Copy the JSON" />} pad={false}><pre className="code max-h-[70vh] overflow-auto p-4 whitespace-pre-wrap" tabIndex={0}>{text}</pre></Card>;
}
