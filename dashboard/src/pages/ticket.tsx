/** One ticket: where it is on its way, what is believed and why, what was done, what it waits for. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { api, call, data, Problem, type Schemas, type Ticket, type TicketEvent } from "../api/client";
import { approvalsQuery, eventsQuery, has, modeQuery, ticketQuery, ticketsQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { Ago, Badge, Card, Confidence, Confirm, Copy, Empty, ErrorPanel, Facts, Field, PageHead, say, SeverityMark, Skeleton, StatusBadge, useTitle, type Asked } from "../ui/kit";
import { Needs } from "../ui/needs";
import { stagesOf, type Stage } from "../ui/stages";
import { FINAL, minutes, plural, VERDICTS, word, words } from "../words";

const Activity = lazy(() => import("./ticket-activity"));
const Edit = lazy(() => import("./ticket-edit"));
const ApprovalCard = lazy(() => import("../ui/approval-card"));
const Gantt = lazy(() => import("../ui/gantt"));
const Attempts = lazy(() => import("./ticket-more").then(({ Attempts: found }) => ({ default: found })));
const Trail = lazy(() => import("./ticket-more").then(({ Trail: found }) => ({ default: found })));
const Raw = lazy(() => import("./ticket-more").then(({ Raw: found }) => ({ default: found })));
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
          <Link key={name} to="/tickets/$id" params={{ id }} search={name === "overview" ? {} : { tab: name as keyof typeof TABS }} activeOptions={{ exact: true }} aria-current={tab === name ? "page" : undefined} resetScroll={false}
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

/** What a person may ask for, by platform; the API has the last word. */
const POSSIBLE: Record<string, Schemas["Action"][]> = {
  adf: ["rerun_from_failure", "rerun_pipeline", "start_trigger"],
  databricks: ["repair_run", "rerun_job", "restart_cluster", "reinstall_libraries", "resize_cluster"],
};

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
  const possible = POSSIBLE[ticket.platform] ?? [];
  const act = () => {
    const key = crypto.randomUUID(); // tried again, it is the same request
    let action = possible.find((one) => one === ticket.analysis?.action) ?? possible[0];
    setAsked({
      title: "Let Mend act on this?", confirm: "Ask for it", reason: 5,
      children: (
        <div className="grid gap-3">
          <p>For when what was wrong is mended. Target <strong>{ticket.resource.name}</strong>; the same policy looks at it as always, and the same record is kept.</p>
          <Field label="Action">{(props) => <select {...props} className="control" defaultValue={action} onChange={(event) => { action = event.target.value as typeof action; }}>{possible.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
        </div>
      ),
      run: async (reason) => {
        await call("POST", `v1/tickets/${ticket.id}/remediate`, { reason, action }, { "Idempotency-Key": key });
        say("Asked for it"); await reload();
      },
    });
  };
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
      <Needs role="operator" row>
      {has("/v1/tickets/{ticket_id}/remediate") && ticket.status === "escalated" && possible.length > 0 && <button type="button" className="btn" onClick={act}><Icon name="play" />Act on it</button>}
      <button type="button" className="btn" onClick={() => setEditing(true)}>Edit, add a note</button>
      {!over && <button type="button" className="btn btn-danger" onClick={stop}><Icon name="stop" />Stop</button>}
      </Needs>
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
    <ol aria-label="Way through the flow" className="card mb-4 grid grid-cols-2 gap-x-2 gap-y-3 p-4 lg:grid-cols-7">
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
        {ticket.attempts.length > 0 && <Card title="Attempts"><div className="min-h-14"><Suspense><Gantt ticket={ticket} /></Suspense></div></Card>}
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
        <p className="first-letter:uppercase">{event.message} <span className="label">{event.actor !== "system" && `${event.actor} · `}<Ago at={event.at} /></span></p>
        {full && (
          <p className="label flex flex-wrap items-center gap-2"><a href={`#e${event.seq}`} className="inline-grid min-h-6 min-w-6 place-items-center text-muted">#{event.seq}</a><span className="code">{event.type}</span></p>
        )}
        {full && facts && <details className="text-xs"><summary className="more">Data</summary><pre className="code mt-1 max-h-72 overflow-auto rounded bg-surface-2 p-2 whitespace-pre-wrap" tabIndex={0}>{JSON.stringify(event.data, null, 1)}</pre></details>}
      </div>
    </li>
  );
}
