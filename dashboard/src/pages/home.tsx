/** At a glance: how things stand, what waits for a person, whether Mend itself is well. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Ticket } from "../api/client";
import { approvalsQuery, countsQuery, deadLettersQuery, facetsQuery, has, killSwitchQuery, policyQuery, readyQuery, statsQuery, ticketsQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { Ago, Badge, Card, Empty, Loaded, PageHead, SeverityMark, Skeleton, StatusBadge, useTitle } from "../ui/kit";
import { Spark } from "../ui/spark";
import { FINAL, minutes, percent, plural, STATUSES, type Tone, word, words } from "../words";

const UNDER_WAY = ["open", "analyzing", "awaiting_approval", "remediating", "monitoring"];

const waitingQuery = ticketsQuery({ status: "awaiting_approval,escalated" }, "-severity", undefined, 8);

export default function Home() {
  useTitle("Home");
  const facets = useQuery(facetsQuery({}));
  const recent = useQuery(ticketsQuery({}, undefined, undefined, 60));
  const waiting = useQuery(waitingQuery), approvals = useQuery(approvalsQuery("pending"));
  const isNew = facets.data?.total === 0;
  return (
    <>
      <PageHead title="Home" lead="Failed pipelines and jobs, and what becomes of them." />
      {isNew && <FirstSteps />}
      <Tiles facets={facets.data?.status} />
      <div className="mt-4 grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid min-w-0 gap-4">
          <Strip counts={facets.data?.status} />
          <Card title="Last tickets" aside={<Link to="/tickets">All tickets</Link>}>
            <Loaded of={recent} rows={4}>{({ items }) => (items.length ? <><Runs items={items} /><Recent items={items.slice(0, 8)} /></> : <Empty title="Nothing has failed" icon="check">That is good news.</Empty>)}</Loaded>
          </Card>
        </div>
        <div className="grid gap-4"><NeedsYou />{waiting.isPending || approvals.isPending ? null : <Health /> /* it would move */}</div>
      </div>
    </>
  );
}

/** What to do where nothing has happened yet; each step says by itself when it is done. */
function FirstSteps() {
  const counts = useQuery(countsQuery(744)), policy = useQuery(policyQuery);
  const steps: { title: string; does: ReactNode; done: boolean }[] = [
    { title: "Connect", does: <>See in <Link to="/settings" search={{ tab: "connections" }}>Connections</Link> whether Mend reaches your platforms, then let them report to <span className="code">/api/v1/tickets/webhook/…</span></>, done: (counts.data?.total.received ?? 0) > 0 },
    { title: "Say what may be done", does: <>Auto or a person first, limits, what may be run again: <Link to="/settings">Policy and settings</Link></>, done: (policy.data?.version ?? 0) > 0 },
    { title: "See it happen", does: <><Link to="/tickets/new">Open a ticket from a template</Link>; without a platform, <span className="code">make up</span> lets simulated ones fail.</>, done: false },
  ];
  return (
    <Card title="Nothing has failed yet. Three steps to start with" className="mb-4">
      <ol className="grid gap-4 lg:grid-cols-3">{steps.map(({ title, does, done }, index) => (
        <li key={title} className="flex gap-3"><span className={`grid size-6 shrink-0 place-items-center rounded-full text-xs font-semibold ${done ? "bg-ok-tint text-ok" : "bg-accent-soft text-accent"}`}>{done ? <Icon name="check" size={14} /> : index + 1}</span>
          <div><p className="font-medium">{title}{done && <span className="sr-only">: done</span>}</p><p className="text-muted">{does}</p></div></li>
      ))}</ol>
    </Card>
  );
}

function Tile({ label, value, note, to, search, spark, tone }: { label: string; value: ReactNode; note?: ReactNode; to: string; search?: object; spark?: number[]; tone?: Tone }) {
  const color = tone === "hold" ? "text-hold" : tone === "err" ? "text-err" : "text-text";
  return (
    <Link to={to} search={(search ?? {}) as never} className="card flex min-h-[106px] flex-col p-4 text-text no-underline hover:border-line-strong">
      <span className="label">{label}</span>
      <span className="mt-1 flex items-end justify-between gap-2"><span className={`whitespace-nowrap text-2xl font-semibold ${color}`}>{value}</span>{spark && <Spark values={spark} />}</span>
      <span className="label mt-1 min-h-4">{note}</span>
    </Link>
  );
}

function Tiles({ facets }: { facets: Record<string, number> | undefined }) {
  const { data: day } = useQuery(statsQuery(24));
  const { data: week } = useQuery(statsQuery(168));
  const open = facets ? UNDER_WAY.reduce((sum, status) => sum + (facets[status] ?? 0), 0) : undefined;
  const waiting = facets?.["awaiting_approval"] ?? 0;
  const per = (name: "opened" | "healed" | "escalated") => Array.from({ length: 7 }, (_, index) => {
    const from = Date.now() - (7 - index) * 86_400_000;
    return (week?.per_hour ?? []).filter(({ hour }) => Date.parse(hour) >= from && Date.parse(hour) < from + 86_400_000).reduce((sum, hour) => sum + hour[name], 0);
  });
  return (
    <div className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">
      <Tile label="Under way" value={open ?? "–"} note={`${day?.opened ?? "–"} opened in 24 h`} to="/tickets" search={{ status: UNDER_WAY.join(",") }} spark={per("opened")} />
      <Tile label="Awaiting approval" value={facets ? waiting : "–"} note={waiting ? "needs a person" : "nobody is asked"} to="/approvals" {...(waiting ? { tone: "hold" as const } : {})} />
      <Tile label="Time to heal, median" value={minutes(day?.mttr_minutes.p50)} note={day?.mttr_minutes.p90 ? `9 of 10 within ${minutes(day.mttr_minutes.p90)}` : "nothing healed in 24 h"} to="/metrics" />
      <Tile label="Success rate" value={percent(day?.success_rate)} note={day ? `${day.healed} healed, ${day.escalated} escalated` : ""} to="/metrics" spark={per("healed")} />
      <Tile label="SLA met" value={percent(day?.sla.share)} note={day ? `${day.sla.met} met, ${day.sla.breached} breached` : ""} to="/metrics" />
    </div>
  );
}

const FILLS: Record<Tone, string> = { idle: "var(--idle)", info: "var(--info)", hold: "var(--hold)", warn: "var(--warn)", ok: "var(--ok)", err: "var(--err)" };

/** All tickets by status; each part leads to its list. */
function Strip({ counts }: { counts: Record<string, number> | undefined }) {
  const present = Object.keys(STATUSES).filter((status) => counts?.[status]);
  const total = present.reduce((sum, status) => sum + (counts?.[status] ?? 0), 0);
  let x = 0;
  return (
    <Card title="By status" aside={counts && <span className="label">{plural(total, "ticket")}</span>}>
      <div className="min-h-[46px]">
        {!counts ? <Skeleton rows={2} /> : (
          <>
            <svg viewBox="0 0 600 14" preserveAspectRatio="none" className="block h-3.5 w-full" aria-hidden="true">
              {total === 0 && <rect width="600" height="14" fill="var(--surface-2)" />}
              {present.map((status) => {
                const wide = (600 * (counts[status] ?? 0)) / total, from = x;
                x += wide;
                return <rect key={status} x={from} width={Math.max(1, wide - 1.5)} height="14" fill={FILLS[word(STATUSES, status).tone]} opacity={status === "closed" ? 0.6 : 1} />;
              })}
            </svg>
            <ul className="mt-3 flex flex-wrap gap-x-4 gap-y-2">
              {present.map((status) => (
                <li key={status}><Link to="/tickets" search={{ status }} className="flex items-center gap-1.5 text-text no-underline hover:underline"><StatusBadge status={status} /><strong>{counts[status]}</strong></Link></li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  );
}

/** The last sixty tickets, oldest first: colour and mark say how, height says how long. */
function Runs({ items }: { items: Ticket[] }) {
  const shown = [...items].reverse();
  const long = (one: Ticket) => ((one.closed_at ? Date.parse(one.closed_at) : Date.now()) - Date.parse(one.created_at)) / 60_000;
  const most = Math.max(0.01, ...shown.map((one) => Math.log1p(long(one))));
  const counted = Object.entries(Object.groupBy(shown, ({ status }) => word(STATUSES, status).label)).map(([label, ones]) => `${ones?.length ?? 0} ${label.toLowerCase()}`).join(", ");
  const slot = Math.min(28, 600 / Math.max(1, shown.length)), wide = slot * 0.78;
  return (
    <div className="mb-4">
      <svg viewBox="0 0 600 57" className="block h-auto w-full" role="img" aria-label={`Last ${shown.length} tickets: ${counted}`}>
        <line x1="0" x2="600" y1="56.500" y2="56.500" stroke="var(--line)" />
        {shown.map((one, index) => {
          const tall = 10 + 42 * (Math.log1p(long(one)) / most), { tone, label } = word(STATUSES, one.status), x = index * slot;
          return (
            <g key={one.id}><title>{`${one.title}: ${label}${one.outcome ? `, ${words(one.outcome)}` : ""}, ${minutes(long(one))}`}</title>
              <rect x={x} y={56 - tall} width={wide} height={tall} rx="1.500" fill={FILLS[tone]} />
              {tone === "err" && <circle cx={x + wide / 2} cy={56 - tall + 5} r="2" fill="var(--surface)" />}
            </g>
          );
        })}
      </svg>
      <p className="label mt-1">The last {plural(shown.length, "ticket")}, newest on the right. Taller took longer; those with a dot need a person.</p>
    </div>
  );
}

function Recent({ items }: { items: Ticket[] }) {
  return (
    <ul className="divide-y divide-line">
      {items.map((one) => (
        <li key={one.id} className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1 py-2">
          <Link to="/tickets/$id" params={{ id: one.id }} className="truncate font-medium text-text no-underline hover:underline">{one.title}</Link>
          <span className="row-span-2 flex flex-col items-end gap-1"><StatusBadge status={one.status} /><Ago at={one.updated_at} className="label" /></span>
          <span className="truncate text-xs text-muted">{one.analysis?.root_cause || words(one.source)}</span>
        </li>
      ))}
    </ul>
  );
}

function NeedsYou() {
  const approvals = useQuery(approvalsQuery("pending"));
  const waiting = useQuery(waitingQuery);
  const risky = useQuery(ticketsQuery({ status: "open,analyzing,remediating,monitoring" }, "created_at", undefined, 8));
  const late = (risky.data?.items ?? []).filter((one) => !FINAL.has(one.status) && Date.now() - Date.parse(one.created_at) > one.sla.target_minutes * 45_000);
  const items = [...(waiting.data?.items ?? []), ...late].slice(0, 8);
  return (
    <Card title="Needs a person" aside={<Link to="/tickets" search={{ status: "awaiting_approval,escalated" }}>All</Link>}>
      <div>
        {!waiting.data ? <Skeleton rows={4} /> : (
          <>
            {!!approvals.data?.items.length && <p className="mb-3"><Link to="/approvals" className="btn btn-primary w-full">{plural(approvals.data.items.length, "approval")} to decide</Link></p>}
            {items.length === 0 ? <p className="flex items-center gap-2 text-muted"><Icon name="check" className="text-ok" />Nothing waits for you.</p> : (
              <ul className="grid gap-2.5">{items.map((one) => (
                <li key={one.id}>
                  <Link to="/tickets/$id" params={{ id: one.id }} className="block truncate font-medium text-text no-underline hover:underline">{one.title}</Link>
                  <span className="flex flex-wrap items-center gap-2"><StatusBadge status={one.status} /><SeverityMark severity={one.severity} />{late.includes(one) && <Badge tone="warn" icon="clock">SLA at risk</Badge>}</span>
                </li>
              ))}</ul>
            )}
          </>
        )}
      </div>
    </Card>
  );
}

function Health() {
  const ready = useQuery(readyQuery), counts = useQuery(countsQuery(24)), dead = useQuery(deadLettersQuery), kill = useQuery(killSwitchQuery);
  const line = (name: string, state: string) => (
    <li key={name} className="flex items-start justify-between gap-3"><span>{words(name)}</span><Badge tone={state === "ok" ? "ok" : "err"} icon={state === "ok" ? "check" : "warning"}>{state === "ok" ? "Well" : state}</Badge></li>
  );
  const lost = counts.data?.total.unaccounted ?? 0, letters = dead.data?.items.length ?? 0;
  return (
    <Card title="Health of Mend" aside={<Link to="/intake">Intake</Link>}>
      <div className="min-h-44">
        <Loaded of={ready} rows={4}>{({ checks }) => (
          <ul className="grid gap-2">
            {Object.entries(checks).map(([name, state]) => line(name, state))}
            <li className="flex justify-between gap-3"><span>Kill switch</span><Badge tone={kill.data?.on ? "err" : "ok"} icon={kill.data?.on ? "stop" : "check"}>{kill.data?.on ? "On: nothing is sent" : "Off"}</Badge></li>
            <li className="flex justify-between gap-3"><span>Alerts in 24 h</span><strong>{counts.data?.total.received ?? "–"}</strong></li>
            <li className="flex justify-between gap-3"><span>Still on their way</span><strong className={lost ? "text-warn" : ""}>{lost}</strong></li>
            <li className="flex justify-between gap-3"><span>Dead letters</span>{letters ? <Link to="/intake"><strong className="text-err">{letters}</strong></Link> : <strong>0</strong>}</li>
            {!has("/v1/approvals") && <li className="label">Approvals are not part of this installation yet.</li>}
          </ul>
        )}</Loaded>
      </div>
    </Card>
  );
}
