/** Attempts as bars on one axis; a bar is as wide as the attempt was long. */
import type { Ticket } from "../api/client";
import { minutes, seconds, words } from "../words";
import { useWidth } from "./use-width";

export default function Gantt({ ticket }: { ticket: Ticket }) {
  const begin = Date.parse(ticket.created_at);
  const ends = ticket.attempts.map((one) => (one.ended_at ? Date.parse(one.ended_at) : Date.now()));
  const end = Math.max(begin + 1_000, ticket.closed_at ? Date.parse(ticket.closed_at) : Date.now(), ...ends);
  const [box, width] = useWidth<HTMLDivElement>();
  const room = width - 48;
  const at = (time: number) => ((time - begin) / (end - begin)) * room;
  const height = ticket.attempts.length * 30 + 26;
  const colors: Record<string, string> = { succeeded: "var(--ok)", failed: "var(--err)", timed_out: "var(--err)", cancelled: "var(--idle)", unknown: "var(--warn)" };
  return (
    <div ref={box}><svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} className="block max-w-full" role="img" aria-label={`Attempts: ${ticket.attempts.map((one) => `${one.number} ${words(one.action)} ${words(one.state)}, ${seconds(one.started_at, one.ended_at)}`).join("; ")}`}>
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <g key={share}><line x1={36 + room * share} x2={36 + room * share} y1={0} y2={height - 20} stroke="var(--line)" />
          {(room > 360 || share % 0.5 === 0) && <text x={36 + room * share} y={height - 6} textAnchor={share === 1 ? "end" : share === 0 ? "start" : "middle"} fontSize="11" fill="var(--muted)">{share === 0 ? "opened" : `+${minutes(((end - begin) * share) / 60_000)}`}</text>}</g>
      ))}
      {ticket.attempts.map((one, row) => {
        const from = at(Date.parse(one.started_at)), to = at(ends[row] ?? end);
        return (
          <g key={one.number} data-attempt={one.number} transform={`translate(36 ${row * 30})`}>
            <title>{`${words(one.action)}: ${words(one.state)}`}</title>
            <text x={-8} y={18} textAnchor="end" fontSize="12" fill="var(--text)">#{one.number}</text>
            <rect x={from} y={5} width={Math.max(2, to - from)} height={18} rx="3" fill={colors[one.state] ?? "var(--info)"} />
          </g>
        );
      })}
    </svg></div>
  );
}
