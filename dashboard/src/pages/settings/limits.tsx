/** How much is done at most, and when a person is asked because something larger is wrong. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { policyQuery } from "../../api/queries";
import { Card, Field, Loaded } from "../../ui/kit";
import { plural } from "../../words";
import { type Ask, type Changes, labelOf, LABELS, type Policy, usePropose, useUnsaved } from "./change";

export function Limits({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Limits and breakers"><div className="min-h-[296px]"><Loaded of={policy} rows={8}>{(now) => <LimitsForm now={now} ask={ask} />}</Loaded></div></Card>;
}

function LimitsForm({ now, ask }: { now: Policy; ask: Ask }) {
  const propose = usePropose(ask);
  const numbers = Object.entries(now).filter((pair): pair is [string, number] => typeof pair[1] === "number" && pair[0] !== "version");
  const [edits, setEdits] = useState<Record<string, string>>({});
  const typed = { ...Object.fromEntries(numbers.map(([name, value]) => [name, String(value)])), ...edits };
  const changes = numbers.filter(([name, value]) => typed[name] !== String(value)).map(([name, value]): Changes[number] => [name, String(value), typed[name] ?? ""]);
  const dirty = changes.length > 0;
  useUnsaved(dirty);
  return (
    <form className="grid gap-4" onSubmit={(event) => {
      event.preventDefault();
      propose({ title: "Change the policy?", changes, policy: Object.fromEntries(changes.map(([name, , after]) => [name, Number(after)])), then: () => setEdits({}) });
    }}>
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {numbers.map(([name, value]) => (
          <Field key={name} label={labelOf(name)} hint={typed[name] !== String(value) ? `Now ${value}` : LABELS[name]?.[1] || undefined}>{(props) => (
            <input {...props} type="number" required min="0" step={Number.isInteger(value) && !name.includes("share") ? 1 : 0.01} className={`control w-full ${typed[name] !== String(value) ? "border-accent" : ""}`} value={typed[name]} onChange={(event) => setEdits({ ...edits, [name]: event.target.value })} />
          )}</Field>
        ))}
      </div>
      <div className="flex flex-wrap items-center justify-end gap-2">
        <span className={`mr-auto ${dirty ? "text-warn" : "label"}`}>{dirty ? plural(changes.length, "unsaved change") : `Version ${now.version}`}</span>
        <button type="button" className="btn" disabled={!dirty} onClick={() => setEdits({})}>Undo</button>
        <button type="submit" className="btn btn-primary" disabled={!dirty}>Look at the change</button>
      </div>
    </form>
  );
}
