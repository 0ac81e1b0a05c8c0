/** What is said about single pipelines, jobs and environments. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Schemas } from "../../api/client";
import { policyQuery } from "../../api/queries";
import { Icon } from "../../ui/icons";
import { Card, Field, Loaded } from "../../ui/kit";
import { words } from "../../words";
import { ACTIONS, type Ask, type Policy, usePropose } from "./change";
import { Times } from "./times";

const SAFETIES: Schemas["RerunSafety"][] = ["idempotent", "from_failure", "never", "unknown"];
const RISKS: Schemas["Risk"][] = ["low", "medium", "high"];

export default function Targets({ ask }: { ask: Ask }) {
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <div className="grid gap-4"><Safety ask={ask} /><Allowed ask={ask} /></div>
      <div className="grid gap-4"><Times ask={ask} /><EnvironmentRisk ask={ask} /><DataChecks /></div>
    </div>
  );
}

/** A table of names and what is said about each; each line can be taken away. */
function Said({ title, name, value, rows, empty, onForget }: { title: string; name: string; value: string; rows: [string, ReactNode][]; empty: string; onForget?: (name: string) => void }) {
  if (rows.length === 0) return <p className="text-muted">{empty}</p>;
  return (
    <div className="max-h-72 overflow-auto" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table className="table"><caption className="sr-only">{title}</caption>
        <thead><tr><th scope="col">{name}</th><th scope="col">{value}</th>{onForget && <th scope="col"><span className="sr-only">Actions</span></th>}</tr></thead>
        <tbody>{rows.map(([one, said]) => (
          <tr key={one}><td>{one}</td><td>{said}</td>{onForget && <td className="text-right"><button type="button" className="btn btn-quiet min-h-6 py-0" aria-label={`Forget ${one}`} onClick={() => onForget(one)}><Icon name="cross" /></button></td>}</tr>
        ))}</tbody>
      </table>
    </div>
  );
}

/** One map of the policy, by name; `write` asks about one entry of it, `null` takes it away. */
function useEntries<K extends "rerun_safety" | "allowed_actions" | "environment_risk">(ask: Ask, now: Policy, field: K, shown: (value: NonNullable<Policy[K]>[string]) => string) {
  const propose = usePropose(ask);
  const all = (now[field] ?? {}) as Record<string, NonNullable<Policy[K]>[string]>;
  const write = (name: string, value: NonNullable<Policy[K]>[string] | null, then?: () => void) => {
    const { [name]: before, ...rest } = all;
    propose({
      title: value === null ? `Forget what was said about ${name}?` : `Change what is said about ${name}?`, confirm: value === null ? "Forget" : "Save",
      changes: [[name, before === undefined ? "not said" : shown(before), value === null ? "not said" : shown(value)]],
      policy: { [field]: value === null ? rest : { ...rest, [name]: value } } as Partial<Policy>, ...(then ? { then } : {}),
    });
  };
  return { rows: Object.entries(all).map(([name, value]): [string, string] => [name, shown(value)]), write };
}

function Safety({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Rerun safety of targets"><Loaded of={policy}>{(now) => <SafetyForm now={now} ask={ask} />}</Loaded></Card>;
}

function SafetyForm({ now, ask }: { now: Policy; ask: Ask }) {
  const { rows, write } = useEntries(ask, now, "rerun_safety", words);
  const [name, setName] = useState("");
  const [safety, setSafety] = useState<Schemas["RerunSafety"]>("idempotent");
  return (
    <div className="grid gap-4">
      <Said title="Rerun safety" name="Target" value="A rerun is" rows={rows} empty="Nobody has said what a rerun does to any pipeline or job; what its definition shows counts." onForget={(one) => write(one, null)} />
      <form className="flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); write(name.trim(), safety, () => setName("")); }}>
        <Field label="Pipeline or job">{(props) => <input {...props} className="control w-44" required maxLength={260} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
        <Field label="A rerun is">{(props) => <select {...props} className="control" value={safety} onChange={(event) => setSafety(event.target.value as typeof safety)}>{SAFETIES.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
        <button type="submit" className="btn">Add …</button>
      </form>
    </div>
  );
}

function Allowed({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Allowed actions"><Loaded of={policy}>{(now) => <AllowedForm now={now} ask={ask} />}</Loaded></Card>;
}

function AllowedForm({ now, ask }: { now: Policy; ask: Ask }) {
  const { rows, write } = useEntries(ask, now, "allowed_actions", (actions) => (actions.length ? actions.map(words).join(", ") : "Nothing"));
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<Schemas["Action"]>>(new Set(ACTIONS));
  const toggle = (one: Schemas["Action"]) => setChosen((before) => { const next = new Set(before); if (!next.delete(one)) next.add(one); return next; });
  return (
    <div className="grid gap-4">
      <Said title="Allowed actions" name="Target" value="Only this may be done" rows={rows} empty="Nothing is ruled out for any pipeline or job. What is not allowed is never done, whoever agrees." onForget={(one) => write(one, null)} />
      <details><summary className="more">Allow only some</summary>
        <form className="mt-2 grid gap-3" onSubmit={(event) => { event.preventDefault(); write(name.trim(), ACTIONS.filter((one) => chosen.has(one)), () => setName("")); }}>
          <Field label="Of this pipeline or job">{(props) => <input {...props} className="control w-full sm:w-72" required maxLength={260} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
          <fieldset className="grid gap-x-4 gap-y-1 sm:grid-cols-2"><legend className="mb-1 text-sm font-medium">Mend may</legend>
            {ACTIONS.map((one) => <label key={one} className="flex min-h-6 items-center gap-2"><input type="checkbox" checked={chosen.has(one)} onChange={() => toggle(one)} />{words(one)}</label>)}
          </fieldset>
          <button type="submit" className="btn justify-self-start">Look at the change</button>
        </form>
      </details>
    </div>
  );
}

function EnvironmentRisk({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Risk of environments"><Loaded of={policy}>{(now) => <RiskForm now={now} ask={ask} />}</Loaded></Card>;
}

function RiskForm({ now, ask }: { now: Policy; ask: Ask }) {
  const { rows, write } = useEntries(ask, now, "environment_risk", words);
  const [name, setName] = useState("");
  const [risk, setRisk] = useState<Schemas["Risk"]>("high");
  return (
    <div className="grid gap-4">
      <Said title="Risk of environments" name="Environment" value="At least" rows={rows} empty="No environment raises the risk of an action. A high risk is never taken without a person." onForget={(one) => write(one, null)} />
      <form className="flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); write(name.trim(), risk, () => setName("")); }}>
        <Field label="Environment">{(props) => <input {...props} className="control w-44" required maxLength={260} placeholder="prod" value={name} onChange={(event) => setName(event.target.value)} />}</Field>
        <Field label="Its risk">{(props) => <select {...props} className="control" value={risk} onChange={(event) => setRisk(event.target.value as typeof risk)}>{RISKS.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
        <button type="submit" className="btn">Set …</button>
      </form>
    </div>
  );
}

/** What is measured after a rerun; written by the API, because it holds queries. */
function DataChecks() {
  const policy = useQuery(policyQuery);
  return (
    <Card title="Checks of the data">
      <Loaded of={policy}>{(now) => (
        <Said title="Checks of the data" name="Target" value="Looked at after a rerun"
          rows={Object.entries(now.data_checks ?? {}).map(([name, checks]) => [name, checks.map((one) => `${one.name} (${words(one.kind).toLowerCase()})`).join(", ")])}
          empty="None: a green run counts as healed. Rows, freshness and duplicates can be checked; data_checks of PUT /api/v1/settings/policy says how." />
      )}</Loaded>
    </Card>
  );
}
