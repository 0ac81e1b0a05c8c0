/** Whether Mend acts alone, and how sure it has to be. What a person has typed stays, whatever arrives meanwhile. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { facetsQuery, modeQuery, policyQuery, ticketsQuery } from "../../api/queries";
import { Badge, Card, Field, Loaded, say } from "../../ui/kit";
import { minutes, percent, plural, SEVERITIES, words } from "../../words";
import { type Ask, type Changes, Diff, Replay, usePropose } from "./change";

export function Mode({ ask }: { ask: Ask }) {
  const mode = useQuery(modeQuery);
  return <Card title="Mode and confidence"><div className="min-h-[216px]"><Loaded of={mode}>{(now) => <ModeForm now={now} ask={ask} />}</Loaded></div></Card>;
}

function ModeForm({ now, ask }: { now: Schemas["ExecutionMode"]; ask: Ask }) {
  const queries = useQueryClient();
  const [typed, setTyped] = useState<number | null>(null);
  const threshold = typed ?? now.confidence_threshold;
  const facets = useQuery(facetsQuery({}));
  const recent = useQuery({ ...ticketsQuery({}, undefined, undefined, 200), refetchInterval: false });
  const waiting = facets.data?.status["awaiting_approval"] ?? 0;
  const analysed = (recent.data?.items ?? []).filter((one) => one.analysis?.auto_remediable);
  const alone = (above: number) => analysed.filter((one) => (one.analysis?.confidence ?? 0) >= above).length;
  const clamp = (value: number) => setTyped(Math.min(1, Math.max(0, Math.round(value * 100) / 100)));
  const changed = threshold !== now.confidence_threshold;
  const save = async (body: object, says: string) => {
    await data(api.PUT("/v1/settings/execution-mode", { body: body as never }));
    say(says);
    await queries.invalidateQueries();
    if ("confidence_threshold" in body) setTyped(null);
  };
  const flip = () => {
    const auto = now.mode === "hil";
    ask({
      title: auto ? "Let Mend act alone?" : "Always ask a person?", confirm: auto ? "Switch to Auto" : "Switch to HIL", danger: auto, typed: auto ? "auto" : undefined,
      children: (
        <div className="grid gap-4">
          {auto ? <p>Within policy, and with a confidence of at least {now.confidence_threshold.toFixed(2)}, nothing waits for a person any more. {plural(waiting, "ticket")} wait for approval now; of the last {analysed.length} remediable tickets, {alone(now.confidence_threshold)} would be acted on alone.</p> : <p>From now on every action waits for approval. What is under way goes on.</p>}
          <Replay change={{ mode: { mode: auto ? "auto" : "hil" } }} />
        </div>
      ),
      run: () => save({ mode: auto ? "auto" : "hil" }, auto ? "Mend acts alone, within policy" : "Mend asks before it acts"),
    });
  };
  const look = () => ask({
    title: "Change the threshold?", confirm: "Change",
    children: <div className="grid gap-4"><Diff changes={[["confidence_threshold", now.confidence_threshold.toFixed(2), threshold.toFixed(2)]]} /><Replay change={{ mode: { confidence_threshold: threshold } }} /></div>,
    run: () => save({ confidence_threshold: threshold }, `The threshold is ${threshold.toFixed(2)}`),
  });
  return (
    <div className="grid gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p>{now.mode === "auto" ? <><Badge tone="info" icon="robot">Auto</Badge> acts alone within policy.</> : <><Badge tone="hold" icon="person">HIL</Badge> a person is always asked.</>}</p>
        <button type="button" className="btn" onClick={flip}>Switch to {now.mode === "auto" ? "HIL" : "Auto"} …</button>
      </div>
      <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); look(); }}>
        <Field label="Confidence threshold" hint="Below it a person is asked, or gets the ticket.">{(props) => (
          <div className="flex items-center gap-3">
            <input {...props} type="range" min="0" max="1" step="0.01" className="min-h-6 w-full accent-accent" value={threshold} onChange={(event) => clamp(Number(event.target.value))} />
            <input type="number" aria-label="Confidence threshold, as a number" min="0" max="1" step="0.01" className="control w-24" value={threshold} onChange={(event) => clamp(Number(event.target.value))} />
          </div>
        )}</Field>
        <p className="label min-h-8" aria-live="polite">{!recent.data ? " " : `Of the last ${analysed.length} remediable tickets, ${alone(threshold)} (${percent(analysed.length ? alone(threshold) / analysed.length : null)}) ${changed ? `would be acted on alone; now it is ${alone(now.confidence_threshold)}.` : "are sure enough to be acted on alone."}`}</p>
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" disabled={!changed} onClick={() => setTyped(null)}>Undo</button>
          <button type="submit" className="btn btn-primary" disabled={!changed}>Look at the change</button>
        </div>
      </form>
    </div>
  );
}

const SETS = {
  confidence_by_severity: { legend: "Threshold", hint: "What is more severe may need more certainty. Empty: the threshold of the mode.", least: 0, most: 1, step: 0.01, shown: (value: string) => (value === "" ? "usual" : Number(value).toFixed(2)) },
  sla_minutes_by_severity: { legend: "SLA, in minutes", hint: "How long a ticket may take. Empty: what the installation says.", least: 1, most: 527_040, step: 1, shown: (value: string) => (value === "" ? "usual" : minutes(Number(value))) },
} as const;
type Set = keyof typeof SETS;
const NAMES = Object.keys(SETS) as Set[];

/** What is said for some severities only; empty: as usual. */
export function BySeverity({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  const propose = usePropose(ask);
  const [edits, setEdits] = useState<Record<string, string>>({});
  const was = (set: Set, severity: string) => String((policy.data?.[set] as Record<string, number> | undefined)?.[severity] ?? "");
  const text = (set: Set, severity: string) => edits[`${set} ${severity}`] ?? was(set, severity);
  const then = (set: Set) => Object.fromEntries(SEVERITIES.filter((one) => text(set, one) !== "").map((one) => [one, Number(text(set, one))]));
  const changed = NAMES.filter((set) => SEVERITIES.some((one) => was(set, one) !== text(set, one)));
  const changes = NAMES.flatMap((set) => SEVERITIES.filter((one) => was(set, one) !== text(set, one)).map((one): Changes[number] => [`${SETS[set].legend}: ${one}`, SETS[set].shown(was(set, one)), SETS[set].shown(text(set, one))]));
  return (
    <Card title="By severity">
      <form className="grid gap-4" onSubmit={(event) => {
        event.preventDefault();
        propose({ title: "Change what severities say?", changes, policy: Object.fromEntries(changed.map((set) => [set, then(set)])), then: () => setEdits({}) });
      }}>
        {NAMES.map((set) => (
          <fieldset key={set}><legend className="font-medium">{SETS[set].legend}</legend><p className="label mb-2">{SETS[set].hint}</p>
            <div className="grid grid-cols-2 gap-3 sm:grid-cols-5">
              {SEVERITIES.map((one) => <Field key={one} label={words(one)}>{(props) => <input {...props} type="number" min={SETS[set].least} max={SETS[set].most} step={SETS[set].step} placeholder="usual" className="control w-full" value={text(set, one)} onChange={(event) => setEdits({ ...edits, [`${set} ${one}`]: event.target.value })} />}</Field>)}
            </div>
          </fieldset>
        ))}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" disabled={changes.length === 0} onClick={() => setEdits({})}>Undo</button>
          <button type="submit" className="btn btn-primary" disabled={changes.length === 0}>Look at the change</button>
        </div>
      </form>
    </Card>
  );
}
