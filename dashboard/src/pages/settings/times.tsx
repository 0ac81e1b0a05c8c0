/** Times in which nothing is done: without a person, or until they are over. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { policyQuery } from "../../api/queries";
import { Icon } from "../../ui/icons";
import { Badge, Card, Field, Loaded } from "../../ui/kit";
import { words } from "../../words";
import { type Ask, type Policy, usePropose } from "./change";

type Span = Schemas["Window"];
type Kind = "freezes" | "maintenance";
const KINDS: Record<Kind, string> = { freezes: "Freezes: nothing without a person", maintenance: "Maintenance: nothing until it is over" };
const BLANK = { kind: "freezes" as Kind, name: "", start: "", end: "", environments: "", targets: "" };
const names = (text: string) => text.split(",").map((one) => one.trim()).filter(Boolean);

export function Times({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Freezes and maintenance"><Loaded of={policy}>{(now) => <TimesForm now={now} ask={ask} />}</Loaded></Card>;
}

/** A freeze is told by its dates, not by how far away they are. */
function Moment({ at }: { at: string }) {
  const date = new Date(at);
  return <time dateTime={at} title={`${date.toISOString().slice(0, 16).replace("T", " ")} UTC`} className="whitespace-nowrap">{date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}</time>;
}

const state = ({ start, end }: Span) => (Date.parse(end) <= Date.now() ? "over" : Date.parse(start) <= Date.now() ? "now" : "ahead");

function TimesForm({ now, ask }: { now: Policy; ask: Ask }) {
  const propose = usePropose(ask);
  const [draft, setDraft] = useState(BLANK);
  const set = (changes: Partial<typeof BLANK>) => setDraft({ ...draft, ...changes });
  const add = () => {
    const span: Span = { name: draft.name.trim(), start: new Date(draft.start).toISOString(), end: new Date(draft.end).toISOString(), environments: names(draft.environments), targets: names(draft.targets) };
    propose({ title: `Add ${span.name}?`, changes: [[draft.kind, "not there", span.name]], policy: { [draft.kind]: [...now[draft.kind], span] }, then: () => setDraft(BLANK) });
  };
  const remove = (kind: Kind, at: number) => {
    const name = now[kind][at]?.name ?? "";
    propose({ title: `Remove ${name}?`, confirm: "Remove", changes: [[kind, name, "not there"]], policy: { [kind]: now[kind].filter((_, index) => index !== at) } });
  };
  return (
    <div className="grid gap-4">
      {(Object.keys(KINDS) as Kind[]).map((kind) => (
        <div key={kind}>
          <h3 className="label mb-1">{KINDS[kind]}</h3>
          {now[kind].length === 0 ? <p className="text-muted">None.</p> : (
            <ul className="grid gap-1">{now[kind].map((span, index) => (
              <li key={index} className="flex flex-wrap items-center justify-between gap-2">
                <span><strong>{span.name}</strong> {state(span) === "now" && <Badge tone="hold" icon="pause">Holds now</Badge>} <Moment at={span.start} /> to <Moment at={span.end} /> <span className="label">{[...(span.environments ?? []), ...(span.targets ?? [])].join(", ") || "everything"}</span></span>
                <button type="button" className="btn btn-quiet min-h-6 py-0" aria-label={`Remove ${span.name}`} onClick={() => remove(kind, index)}><Icon name="cross" /></button>
              </li>
            ))}</ul>
          )}
        </div>
      ))}
      <details><summary className="more">Add one</summary>
        <form className="mt-2 grid gap-3 sm:grid-cols-2" onSubmit={(event) => { event.preventDefault(); add(); }}>
          <Field label="Kind">{(props) => <select {...props} className="control" value={draft.kind} onChange={(event) => set({ kind: event.target.value as Kind })}>{(Object.keys(KINDS) as Kind[]).map((kind) => <option key={kind} value={kind}>{words(kind).replace(/s$/, "")}</option>)}</select>}</Field>
          <Field label="Called">{(props) => <input {...props} className="control" required maxLength={200} value={draft.name} onChange={(event) => set({ name: event.target.value })} />}</Field>
          <Field label="From" hint="Your local time">{(props) => <input {...props} type="datetime-local" className="control" required value={draft.start} onChange={(event) => set({ start: event.target.value })} />}</Field>
          <Field label="Until">{(props) => <input {...props} type="datetime-local" className="control" required min={draft.start} value={draft.end} onChange={(event) => set({ end: event.target.value })} />}</Field>
          <Field label="Environments" hint="With commas; empty: all">{(props) => <input {...props} className="control" value={draft.environments} onChange={(event) => set({ environments: event.target.value })} />}</Field>
          <Field label="Pipelines and jobs" hint="With commas; empty: all">{(props) => <input {...props} className="control" value={draft.targets} onChange={(event) => set({ targets: event.target.value })} />}</Field>
          <button type="submit" className="btn justify-self-start">Look at the change</button>
        </form>
      </details>
    </div>
  );
}
