/** How it went over time; every chart has its numbers as a table. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../api/client";
import { has, statsQuery } from "../api/queries";
import { Durations, Rows, StackedBars } from "../ui/charts";
import { Icon } from "../ui/icons";
import { Card, Empty, Loaded, NotYet, PageHead, useTitle } from "../ui/kit";
import { usePrefs } from "../ui/prefs";
import { minutes, percent, plural } from "../words";

type Stats = Schemas["DashboardStats"];
const route = getRouteApi("/metrics");
const RANGES: [number, string][] = [[24, "24 hours"], [168, "7 days"], [720, "30 days"]];
const HOUR = 3_600_000, DAY = 24 * HOUR;

/** Hours for a day, days by UTC for more; those in which nothing happened are there too. */
function bucketed(stats: Stats, utc: boolean) {
  const daily = stats.window_hours > 48, step = daily ? DAY : HOUR;
  const known = new Map<number, Omit<Schemas["Day"], "day">>(daily ? stats.per_day.map((one) => [Date.parse(one.day), one] as const) : stats.per_hour.map((one) => [Date.parse(one.hour), one] as const));
  const end = Math.floor(Date.now() / step) * step, count = Math.round((stats.window_hours * HOUR) / step);
  return Array.from({ length: count + 1 }, (_, index) => {
    const from = end - (count - index) * step, one = known.get(from);
    const iso = new Date(from).toISOString();
    const hour = utc ? iso.slice(11, 13) : String(new Date(from).getHours()).padStart(2, "0");
    return {
      label: daily ? iso.slice(5, 10) : `${hour}:00`, opened: one?.opened ?? 0, healed: one?.healed ?? 0, escalated: one?.escalated ?? 0,
      p50: one?.mttr_p50 ?? null, p90: one?.mttr_p90 ?? null,
    };
  });
}

export default function Metrics() {
  useTitle("Metrics");
  const { hours = 168 } = route.useSearch();
  const navigate = useNavigate();
  const stats = useQuery(statsQuery(hours));
  return (
    <>
      <PageHead title="Metrics" lead="Of the tickets that were opened in the chosen time.">
        <div role="group" aria-label="Range" className="flex gap-1">
          {RANGES.map(([value, label]) => <button key={value} type="button" className="btn aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent" aria-pressed={hours === value} onClick={() => void navigate({ to: "/metrics", search: { hours: value } })}>{label}</button>)}
        </div>
      </PageHead>
      {!has("/v1/dashboard/stats") ? <div className="card"><NotYet what="Metrics" /></div> : <Loaded of={stats} rows={6}>{(found) => (found.opened ? <Charts stats={found} /> : <div className="card"><Empty title="Nothing was opened in this time" icon="chart">Choose a longer range, or <Link to="/tickets/new">open a ticket</Link>.</Empty></div>)}</Loaded>}
    </>
  );
}

function Charts({ stats }: { stats: Stats }) {
  const { time } = usePrefs();
  const times = bucketed(stats, time === "utc"), labels = times.map(({ label }) => label);
  const { approvals } = stats, acted = approvals.acted_alone + approvals.acted_agreed;
  const facts: [string, string, string][] = [
    ["Opened", String(stats.opened), `${plural(stats.attempts, "attempt")} made`],
    ["Success rate", percent(stats.success_rate), `${stats.healed} healed, ${stats.escalated} escalated`],
    ["Time to heal, median", minutes(stats.mttr_minutes.p50), `9 of 10 within ${minutes(stats.mttr_minutes.p90)}`],
    ["SLA met", percent(stats.sla.share), `${stats.sla.met} met, ${stats.sla.breached} breached`],
    ["Acted alone", percent(acted ? approvals.acted_alone / acted : null), `${approvals.acted_alone} alone, ${approvals.acted_agreed} agreed to`],
  ];
  const healed = times.some(({ p50 }) => p50 !== null);
  return (
    <div className="grid gap-4">
      <dl className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">{facts.map(([name, value, note]) => <div key={name} className="card p-4"><dt className="label">{name}</dt><dd className="text-2xl font-semibold">{value}</dd><dd className="label">{note}</dd></div>)}</dl>
      {!stats.complete && <p role="note" className="rounded-lg border border-warn bg-warn-tint p-3 text-warn">There are more tickets than are looked at: counts are of all, times and causes of the newest ones.</p>}
      <div className="grid gap-4 xl:grid-cols-2">
        <Card title="What became of them"><StackedBars title="Tickets by what became of them" labels={labels} unit="tickets" series={[
          { name: "Healed", color: "var(--ok)", values: times.map((one) => one.healed) }, { name: "Escalated", color: "var(--err)", values: times.map((one) => one.escalated) },
        ]} /></Card>
        <Card title="Opened"><StackedBars title="Tickets opened" labels={labels} unit="tickets" series={[{ name: "Opened", color: "var(--accent)", values: times.map((one) => one.opened) }]} /></Card>
        <Card title="Time to heal">{healed ? <Durations title="From opening to verified recovery" labels={labels} lines={[
          { name: "Median", color: "var(--accent)", minutes: times.map(({ p50 }) => p50) }, { name: "9 of 10 within", color: "var(--hold)", minutes: times.map(({ p90 }) => p90) },
        ]} /> : <Nothing>Nothing was healed in this time.</Nothing>}</Card>
        <Card title="Time to decide" aside={<Link to="/approvals" search={{ tab: "history" }}>History</Link>}><ApprovalTimes of={approvals} /></Card>
        <Card title="Success by signature" aside={<Link to="/signatures">All signatures</Link>}>
          {stats.by_signature.length ? <Rows title="Healed of all tickets with this cause" whole="Tickets" part="Healed" rows={stats.by_signature.slice(0, 10).map(({ signature, tickets, healed: well }) => ({ name: signature, whole: tickets, part: well }))} /> : <Nothing>No cause was found yet.</Nothing>}
        </Card>
        <Card title="Calibration: was it as sure as it should be?">
          {stats.calibration.some(({ tickets }) => tickets > 0) ? (
            <>
              <Rows title="Healed of those acted on, by confidence" whole="Acted on" part="Healed" rows={stats.calibration.map(({ low, high, tickets, healed: well }) => ({ name: `${low.toFixed(1)} – ${high.toFixed(1)} sure`, whole: tickets, part: well }))} />
              <p className="label mt-3">Of those it was 0.9 sure of, about nine in ten should be healed; if fewer are, raise the threshold.</p>
            </>
          ) : <Nothing>Nothing was acted on in this time.</Nothing>}
        </Card>
      </div>
    </div>
  );
}

const Nothing = ({ children }: { children: ReactNode }) => <div className="grid h-full min-h-44 place-items-center content-center gap-2 text-center text-muted"><Icon name="chart" size={20} />{children}</div>;

function ApprovalTimes({ of }: { of: Stats["approvals"] }) {
  const decided = of.approved + of.rejected;
  if (of.asked === 0) return <Nothing>Nobody was asked about any of these tickets.</Nothing>;
  if (decided === 0) return <Nothing>{plural(of.asked, "question")} asked, none decided{of.expired ? `; ${of.expired} expired` : " yet"}.</Nothing>;
  const name = ({ low_minutes: low, high_minutes: high }: Stats["approvals"]["waits"][number]) => (high === null ? `over ${minutes(low)}` : low === 0 ? `under ${minutes(high)}` : `${minutes(low)} to ${minutes(high)}`);
  return (
    <div className="grid gap-3">
      <p><strong>{percent(of.approved / decided)} approved</strong>, half of all decisions within {minutes(of.minutes.p50)}, 9 of 10 within {minutes(of.minutes.p90)}.{of.expired > 0 && ` ${of.expired} expired.`}</p>
      <Rows title="Decisions by the time they took" whole="Decisions" rows={of.waits.map((one) => ({ name: name(one), whole: one.decisions }))} />
    </div>
  );
}
