/** What happened: grouped by stage, on a time axis, or every event; one order for all. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import type { Ticket, TicketEvent } from "../api/client";
import { Ago, Card, Empty } from "../ui/kit";
import { STAGE_LABELS, type Stage, stageOf } from "../ui/stages";
import { useWidth } from "../ui/use-width";
import { minutes, plural, seconds } from "../words";
import { EventLine } from "./ticket";

const route = getRouteApi("/tickets/$id");
const VIEWS = { compact: "Compact", timeline: "Timeline", all: "All events" } as const;

interface Group { stage: Stage["name"]; events: TicketEvent[] }

/** Events of one stage that follow each other are one group. */
function groupsOf(events: TicketEvent[]): Group[] {
  const groups: Group[] = [];
  for (const event of events) {
    const stage = stageOf(event.type), last = groups.at(-1);
    if (last?.stage === stage) last.events.push(event);
    else groups.push({ stage, events: [event] });
  }
  return groups;
}

export default function Activity({ events }: { ticket: Ticket; events: TicketEvent[] }) {
  const search = route.useSearch();
  const { view = "compact", order = "oldest" } = search;
  const navigate = useNavigate({ from: "/tickets/$id" });
  const asked = location.hash;
  useEffect(() => {
    if (asked.startsWith("#e")) document.querySelector(asked)?.scrollIntoView({ block: "center" });
  }, [asked, events.length > 0]);
  const go = (changes: object) => void navigate({ search: { ...search, tab: "activity", ...changes }, resetScroll: false });
  const shown = asked.startsWith("#e") && !search.view ? "all" : view;
  const groups = groupsOf(events);
  const turned = <T,>(items: T[]): T[] => (order === "newest" ? [...items].reverse() : items);
  return (
    <Card title="Activity" aside={
      <div className="flex flex-wrap gap-2">
        <div role="group" aria-label="View" className="flex gap-1">
          {Object.entries(VIEWS).map(([name, label]) => <button key={name} type="button" className="btn aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent" aria-pressed={shown === name} onClick={() => go({ view: name })}>{label}</button>)}
        </div>
        <button type="button" className="btn" onClick={() => go({ order: order === "newest" ? "oldest" : "newest" })}>{order === "newest" ? "Newest first" : "Oldest first"}</button>
      </div>
    }>
      {events.length === 0 && <Empty title="Nothing happened yet" />}
      {shown === "compact" && (
        <ol className="grid gap-3">
          {turned(groups).map(({ stage, events: inside }) => {
            const last = inside.at(-1);
            return last && (
              <li key={inside[0]?.seq} className="border-l-2 border-line pl-3">
                <p><strong>{STAGE_LABELS[stage]}</strong> <span className="label">{plural(inside.length, "event")} · {seconds(inside[0]?.at ?? last.at, last.at)} · <Ago at={last.at} /></span></p>
                <p className="first-letter:uppercase">{last.message}</p>
                {inside.length > 1 && <details><summary className="more">Everything in between</summary><ol className="mt-1 grid gap-1">{turned(inside).map((event) => <EventLine key={event.seq} event={event} full />)}</ol></details>}
              </li>
            );
          })}
        </ol>
      )}
      {shown === "timeline" && <Timeline groups={turned(groups)} events={events} />}
      {shown === "all" && <ol className="grid gap-1.5">{turned(events).map((event) => <EventLine key={event.seq} event={event} full />)}</ol>}
    </Card>
  );
}

function Timeline({ groups, events }: { groups: Group[]; events: TicketEvent[] }) {
  const begin = Date.parse(events[0]?.at ?? ""), end = Math.max(begin + 500, Date.parse(events.at(-1)?.at ?? ""));
  const [box, width] = useWidth<HTMLDivElement>();
  const left = 76, room = width - left - 10;
  const at = (time: string) => left + ((Date.parse(time) - begin) / (end - begin)) * room;
  const height = groups.length * 26 + 24;
  const colors: Record<Stage["name"], string> = { received: "var(--idle)", analysis: "var(--info)", decision: "var(--accent)", approval: "var(--hold)", action: "var(--warn)", watch: "var(--ok)", end: "var(--text)" };
  return (
    <div ref={box}><svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} className="block max-w-full" role="img" aria-label={`Timeline: ${groups.map(({ stage, events: inside }) => `${STAGE_LABELS[stage]} ${inside.length}`).join(", ")}`}>
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <g key={share}><line x1={left + room * share} x2={left + room * share} y1={0} y2={height - 20} stroke="var(--line)" />
          {(room > 360 || share % 0.5 === 0) && <text x={left + room * share} y={height - 6} textAnchor={share === 1 ? "end" : share === 0 ? "start" : "middle"} fontSize="11" fill="var(--muted)">{share === 0 ? "opened" : `+${minutes(((end - begin) * share) / 60_000)}`}</text>}</g>
      ))}
      {groups.map(({ stage, events: inside }, row) => {
        const next = events.find(({ seq }) => seq > (inside.at(-1)?.seq ?? 0));
        const from = at(inside[0]?.at ?? ""), to = at(next?.at ?? inside.at(-1)?.at ?? "");
        return (
          <g key={inside[0]?.seq}>
            <title>{inside.map(({ message }) => message).join("\n")}</title>
            <text x={left - 8} y={row * 26 + 17} textAnchor="end" fontSize="12" fill="var(--text)">{STAGE_LABELS[stage]}</text>
            <rect x={from} y={row * 26 + 5} width={Math.max(3, to - from)} height={16} rx="3" fill={colors[stage]} />
            {inside.map((event) => <circle key={event.seq} cx={at(event.at)} cy={row * 26 + 13} r="2.5" fill="var(--surface)" stroke="var(--text)" />)}
          </g>
        );
      })}
    </svg></div>
  );
}
