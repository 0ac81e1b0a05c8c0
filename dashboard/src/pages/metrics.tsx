/** How it went over time; every chart has its numbers as a table. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { approvalsQuery, has, statsQuery } from "../api/queries";
import type { Stats } from "../api/types";
import { Lines, Rows, StackedBars } from "../ui/charts";
import { Card, Empty, Loaded, NotYet, PageHead, useTitle } from "../ui/kit";
import { minutes, percent, plural } from "../words";

const route = getRouteApi("/metrics");
const RANGES: [number, string][] = [[24, "24 hours"], [168, "7 days"], [720, "30 days"]];

/** Hours for a day, days for more. */
function bucketed(stats: Stats) {
  const daily = stats.window_hours > 48, step = daily ? 86_400_000 : 3_600_000;
  const end = Math.floor(Date.now() / step) * step, count = Math.round((stats.window_hours * 3_600_000) / step);
  return Array.from({ length: count + 1 }, (_, index) => {
    const from = end - (count - index) * step;
    const inside = stats.per_hour.filter(({ hour }) => Date.parse(hour) >= from && Date.parse(hour) < from + step);
    const sum = (name: "opened" | "healed" | "escalated") => inside.reduce((total, hour) => total + hour[name], 0);
    const healed = sum("healed"), took = inside.reduce((total, hour) => total + (hour.mttr_minutes ?? 0) * hour.healed, 0);
    const iso = new Date(from).toISOString();
    return { label: daily ? iso.slice(5, 10) : `${iso.slice(11, 13)}:00`, opened: sum("opened"), healed, escalated: sum("escalated"), mttr: healed ? Math.round((took / healed) * 100) / 100 : 0 };
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
  const times = bucketed(stats), labels = times.map(({ label }) => label);
  const facts: [string, string, string][] = [
    ["Opened", String(stats.opened), `${plural(stats.attempts, "attempt")} made`], ["Success rate", percent(stats.success_rate), `${stats.healed} healed, ${stats.escalated} escalated`],
    ["Time to heal", minutes(stats.mttr_minutes.p50), `p90 ${minutes(stats.mttr_minutes.p90)}, mean ${minutes(stats.mttr_minutes.mean)}`], ["SLA met", percent(stats.sla.share), `${stats.sla.met} met, ${stats.sla.breached} breached`],
  ];
  return (
    <div className="grid gap-4">
      <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">{facts.map(([name, value, note]) => <div key={name} className="card p-4"><dt className="label">{name}</dt><dd className="text-2xl font-semibold">{value}</dd><dd className="label">{note}</dd></div>)}</dl>
      {stats.complete === false && <p role="note" className="rounded-lg border border-warn bg-warn-tint p-3 text-warn">There are more tickets than are looked at: counts are of all, times and causes of the newest ones.</p>}
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Card title="Volume"><StackedBars title="Tickets by what became of them" labels={labels} unit="tickets" series={[
          { name: "Healed", color: "var(--ok)", values: times.map(({ healed }) => healed) }, { name: "Escalated", color: "var(--err)", values: times.map(({ escalated }) => escalated) },
        ]} /></Card>
        <Card title="Opened"><StackedBars title="Tickets opened" labels={labels} unit="tickets" series={[{ name: "Opened", color: "var(--accent)", values: times.map(({ opened }) => opened) }]} /></Card>
        <Card title="Time to heal"><Lines title="Mean minutes from opening to verified recovery" labels={labels} unit="min" series={[{ name: "Minutes", color: "var(--accent)", values: times.map(({ mttr }) => mttr) }]} /></Card>
        <Card title="Success by signature" aside={<Link to="/signatures">All signatures</Link>}>
          {stats.by_signature.length ? <Rows title="Healed of all tickets with this cause" whole="Tickets" part="Healed" rows={stats.by_signature.slice(0, 10).map(({ signature, tickets, healed }) => ({ name: signature, whole: tickets, part: healed }))} /> : <p className="text-muted">No cause was found yet.</p>}
        </Card>
        <Card title="Calibration: was it as sure as it should be?">
          {stats.calibration?.some(({ tickets }) => tickets > 0)
            ? <Rows title="Healed of those acted on, by confidence" whole="Acted on" part="Healed" rows={stats.calibration.map(({ low, high, tickets, healed }) => ({ name: `${low.toFixed(1)} – ${high.toFixed(1)}`, whole: tickets, part: healed }))} />
            : <p className="text-muted">Nothing was acted on in this time.</p>}
        </Card>
        <ApprovalTimes />
      </div>
    </div>
  );
}

function ApprovalTimes() {
  const approved = useQuery(approvalsQuery("approved")), rejected = useQuery(approvalsQuery("rejected"));
  if (!has("/v1/approvals")) return <Card title="Approvals"><NotYet what="Approval times" /></Card>;
  const decided = [...(approved.data?.items ?? []), ...(rejected.data?.items ?? [])];
  const times = decided.filter((one) => one.decided_at).map((one) => (Date.parse(one.decided_at ?? "") - Date.parse(one.requested_at)) / 60_000).sort((a, b) => a - b);
  return (
    <Card title="Approvals">
      {times.length === 0 ? <p className="text-muted">Nobody has decided anything yet.</p> : (
        <dl className="grid grid-cols-3 gap-3">
          <div><dt className="label">Median time to decide</dt><dd className="text-2xl font-semibold">{minutes(times[Math.floor(times.length / 2)])}</dd></div>
          <div><dt className="label">Decided</dt><dd className="text-2xl font-semibold">{times.length}</dd></div>
          <div><dt className="label">Approved</dt><dd className="text-2xl font-semibold">{percent((approved.data?.items.length ?? 0) / Math.max(1, decided.length))}</dd></div>
        </dl>
      )}
    </Card>
  );
}
