/** How Mend decides: every change is shown before it is made, and kept in the audit trail. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, call, data, type Schemas } from "../api/client";
import { facetsQuery, has, inventoryQuery, killSwitchQuery, modeQuery, policyQuery, readyQuery, ticketsQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { Ago, Badge, Card, Confirm, Empty, ErrorPanel, Field, Loaded, NotYet, PageHead, say, Skeleton, useTitle, type Asked } from "../ui/kit";
import { percent, plural, SEVERITIES, words } from "../words";

type Policy = Schemas["PolicyShown"];
type Ask = (asked: Asked) => void;

export default function Settings() {
  useTitle("Settings");
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <>
      <PageHead title="Policy and settings" lead={<>Every change is written to the <Link to="/audit" search={{ subject: "settings/policy" }}>audit trail</Link>.</>} />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Mode ask={setAsked} />
        <KillSwitch ask={setAsked} />
        <div className="grid gap-4"><Limits ask={setAsked} /><BySeverity ask={setAsked} /></div>
        <div className="grid gap-4"><Safety ask={setAsked} /><Freezes ask={setAsked} /><Connections /><Inventory /></div>
      </div>
      <Confirm asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}

/** What a person has typed stays, whatever arrives meanwhile; the rest follows. */
function Mode({ ask }: { ask: Ask }) {
  const mode = useQuery(modeQuery);
  return <Card title="Mode and confidence"><div className="min-h-[252px]"><Loaded of={mode}>{(now) => <ModeForm now={now} ask={ask} />}</Loaded></div></Card>;
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
      children: auto ? <p>Within policy, and with a confidence of at least {now.confidence_threshold.toFixed(2)}, nothing waits for a person any more. {plural(waiting, "ticket")} wait for approval now; of the last {analysed.length} remediable tickets, {alone(now.confidence_threshold)} would be acted on alone.</p> : <p>From now on every action waits for approval. What is under way goes on.</p>,
      run: () => save({ mode: auto ? "auto" : "hil" }, auto ? "Mend acts alone, within policy" : "Mend asks before it acts"),
    });
  };
  return (
    <div className="grid gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p>{now.mode === "auto" ? <><Badge tone="info" icon="robot">Auto</Badge> acts alone within policy.</> : <><Badge tone="hold" icon="person">HIL</Badge> a person is always asked.</>}</p>
        <button type="button" className="btn" onClick={flip}>Switch to {now.mode === "auto" ? "HIL" : "Auto"} …</button>
      </div>
      <form className="grid gap-3" onSubmit={(event) => {
        event.preventDefault();
        ask({ title: "Change the threshold?", confirm: "Change", children: <div className="grid gap-3"><Diff changes={[["confidence_threshold", now.confidence_threshold.toFixed(2), threshold.toFixed(2)]]} /><Replay change={{ mode: { confidence_threshold: threshold } }} /></div>, run: () => save({ confidence_threshold: threshold }, `The threshold is ${threshold.toFixed(2)}`) });
      }}>
        <Field label="Confidence threshold" hint="Below it a person is asked, or gets the ticket.">{(props) => (
          <div className="flex items-center gap-3">
            <input {...props} type="range" min="0" max="1" step="0.01" className="min-h-6 w-full accent-accent" value={threshold} onChange={(event) => clamp(Number(event.target.value))} />
            <input type="number" aria-label="Confidence threshold, as a number" min="0" max="1" step="0.01" className="control w-24" value={threshold} onChange={(event) => clamp(Number(event.target.value))} />
          </div>
        )}</Field>
        <p className="label min-h-4" aria-live="polite">{recent.data ? `Of the last ${analysed.length} remediable tickets, ${alone(threshold)} would be acted on alone (${percent(analysed.length ? alone(threshold) / analysed.length : null)}); now it is ${alone(now.confidence_threshold)}.` : " "}</p>
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" disabled={threshold === now.confidence_threshold} onClick={() => setTyped(null)}>Undo</button>
          <button type="submit" className="btn btn-primary" disabled={threshold === now.confidence_threshold}>Look at the change</button>
        </div>
      </form>
    </div>
  );
}

interface Switch { scope: string; on: boolean; reason: string }

function KillSwitch({ ask }: { ask: Ask }) {
  const kill = useQuery(killSwitchQuery);
  const queries = useQueryClient();
  const [kind, setKind] = useState("target");
  const [name, setName] = useState("");
  const flip = (on: boolean, scope: string) => ask({
    title: on ? (scope === "global" ? "Stop every action?" : `Stop ${scope}?`) : "Let actions go on?", confirm: on ? "Turn the kill switch on" : "Turn it off", danger: true, reason: 5, typed: on && scope === "global" ? "stop" : undefined,
    children: <p>{on ? `From this moment nothing is sent${scope === "global" ? " to any platform" : ` for ${scope}`}. Alerts are still taken in, tickets are kept, and what is under way is watched.` : "What waits is decided anew; nothing is sent without its rules."}</p>,
    run: async (reason) => { await data(api.PUT("/v1/settings/kill-switch", { body: { scope, on, reason } as never })); say(on ? "Kill switch is on" : "Kill switch is off"); setName(""); await queries.invalidateQueries(); },
  });
  return (
    <Card title="Kill switch">
      <Loaded of={kill}>{(now) => {
        const others = (now as { others?: Switch[] }).others ?? [];
        return (
          <div className="grid gap-4">
            <div className="flex flex-wrap items-center justify-between gap-3">
              <div>{now.on ? <Badge tone="err" icon="stop">On: nothing is sent</Badge> : <Badge tone="ok" icon="check">Off</Badge>}{now.on && now.reason && <p className="mt-1">{now.reason}</p>}</div>
              <button type="button" className={`btn ${now.on ? "" : "btn-danger"}`} onClick={() => flip(!now.on, "global")}>{now.on ? "Turn it off …" : "Stop everything …"}</button>
            </div>
            {others.length > 0 && <ul className="grid gap-2">{others.map((one) => <li key={one.scope} className="flex flex-wrap items-center justify-between gap-2"><span><Badge tone="err" icon="stop">{one.scope}</Badge> <span className="text-muted">{one.reason}</span></span><button type="button" className="btn" aria-label={`Turn ${one.scope} off`} onClick={() => flip(false, one.scope)}>Turn off …</button></li>)}</ul>}
            <form className="flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); flip(true, `${kind}:${name.trim()}`); }}>
              <Field label="Or stop one">{(props) => <select {...props} className="control" value={kind} onChange={(event) => setKind(event.target.value)}><option value="target">Pipeline or job</option><option value="environment">Environment</option><option value="action">Action</option></select>}</Field>
              <Field label="Its name">{(props) => <input {...props} className="control" required maxLength={260} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
              <button type="submit" className="btn btn-danger">Stop …</button>
            </form>
          </div>
        );
      }}</Loaded>
    </Card>
  );
}

const LABELS: Record<string, [string, string]> = {
  running_per_target: ["Attempts at once, per target", ""], attempts_per_target_per_day: ["Attempts per target and day", "In any 24 hours"], attempts_per_action_per_10_minutes: ["Attempts of one action in 10 minutes", ""],
  attempts_per_hour: ["Attempts per hour, all together", ""], running: ["Attempts at once, all together", ""], max_failing_share: ["Mass failure: share of targets", "From 0 to 1; above it nothing is rerun"],
  min_failing_targets: ["Mass failure: at least so many targets", ""], inconclusive_until_open: ["Unclear attempts in a row before a person is asked", ""],
};

export function Diff({ changes }: { changes: [string, string, string][] }) {
  return (
    <table className="table"><caption className="sr-only">What changes</caption><thead><tr><th scope="col">Setting</th><th scope="col">Now</th><th scope="col">Then</th></tr></thead>
      <tbody>{changes.map(([name, before, after]) => <tr key={name}><td>{LABELS[name]?.[0] ?? words(name)}</td><td className="text-err"><del>{before}</del></td><td className="text-ok"><ins className="no-underline">{after}</ins></td></tr>)}</tbody></table>
  );
}

function Limits({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  return <Card title="Limits and breakers" aside={policy.data && <span className="label">version {policy.data.version}</span>}><div className="min-h-[420px]"><Loaded of={policy} rows={8}>{(now) => <LimitsForm now={now} ask={ask} />}</Loaded></div></Card>;
}

function LimitsForm({ now, ask }: { now: Policy; ask: Ask }) {
  const queries = useQueryClient();
  const numbers = Object.entries(now).filter((pair): pair is [string, number] => typeof pair[1] === "number" && pair[0] !== "version");
  const [edits, setEdits] = useState<Record<string, string>>({});
  const typed = { ...Object.fromEntries(numbers.map(([name, value]) => [name, String(value)])), ...edits };
  const changes = numbers.filter(([name, value]) => typed[name] !== String(value)).map(([name, value]): [string, string, string] => [name, String(value), typed[name] ?? ""]);
  const dirty = changes.length > 0;
  useUnsaved(dirty);
  const body = Object.fromEntries(changes.map(([name, , after]) => [name, Number(after)]));
  const save = () => ask({
    title: "Change the policy?", confirm: "Save",
    children: <div className="grid gap-3"><Diff changes={changes} /><Replay change={{ policy: body }} /></div>,
    run: async () => { await data(api.PUT("/v1/settings/policy", { body: body as never })); say("Policy saved"); await queries.invalidateQueries(); setEdits({}); },
  });
  return (
    <form className="grid gap-4" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <div className="grid gap-4 sm:grid-cols-2">
        {numbers.map(([name, value]) => (
          <Field key={name} label={LABELS[name]?.[0] ?? words(name)} hint={typed[name] !== String(value) ? `Now ${value}` : LABELS[name]?.[1] || undefined}>{(props) => (
            <input {...props} type="number" required min="0" step={Number.isInteger(value) && !name.includes("share") ? 1 : 0.01} className={`control w-full ${typed[name] !== String(value) ? "border-accent" : ""}`} value={typed[name]} onChange={(event) => setEdits({ ...edits, [name]: event.target.value })} />
          )}</Field>
        ))}
      </div>
      <div className="flex items-center justify-end gap-2">
        {dirty && <span className="mr-auto text-warn">{plural(changes.length, "unsaved change")}</span>}
        <button type="button" className="btn" disabled={!dirty} onClick={() => setEdits({})}>Undo</button>
        <button type="submit" className="btn btn-primary" disabled={!dirty}>Look at the change</button>
      </div>
    </form>
  );
}

/** Leaving with unsaved changes is asked about once more. */
function useUnsaved(dirty: boolean): void {
  const now = useRef(dirty);
  now.current = dirty;
  useEffect(() => {
    const onLeave = (event: BeforeUnloadEvent) => { if (now.current) event.preventDefault(); };
    addEventListener("beforeunload", onLeave);
    return () => removeEventListener("beforeunload", onLeave);
  }, []);
}

interface Replayed {
  changes: { ticket_id: string; before: string; after: string; because: string[] }[];
  totals: { tickets: number; decisions: number; changed: number };
  not_judged: string[];
  more: boolean;
}

/** What the change would have done to what was decided in the last seven days. */
function Replay({ change }: { change: object }) {
  const able = has("/v1/policy/replay");
  const found = useQuery({ queryKey: ["static", "replay", change], queryFn: () => call<Replayed>("POST", "v1/policy/replay", change), enabled: able, retry: false, staleTime: 30_000 });
  if (!able) return <p className="label">Replaying a change on past decisions is not available yet.</p>;
  if (found.error) return <ErrorPanel error={found.error} />;
  if (!found.data) return <Skeleton rows={2} />;
  const { changes, totals, not_judged: unknown } = found.data;
  return (
    <div role="status">
      <h3 className="label mb-1">Replayed on the last seven days</h3>
      <p>{plural(totals.decisions, "decision")} about {plural(totals.tickets, "ticket")}: <strong>{totals.changed === 0 ? "none would be another one" : `${totals.changed} would be another one`}</strong>.</p>
      {changes.length > 0 && <ul className="mt-1 max-h-40 overflow-auto" tabIndex={0} aria-label="Decisions that change">{changes.slice(0, 20).map((one, index) => <li key={index}><Link to="/tickets/$id" params={{ id: one.ticket_id }} className="code">{one.ticket_id}</Link> {words(one.before)} → <strong>{words(one.after)}</strong> <span className="label">{one.because.map(words).join(", ")}</span></li>)}</ul>}
      {unknown.length > 0 && <p className="label mt-1">Cannot be judged afterwards: {unknown.map((name) => LABELS[name]?.[0] ?? words(name)).join("; ")}.</p>}
    </div>
  );
}

const SAFETIES = ["idempotent", "from_failure", "never", "unknown"];

function Safety({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [safety, setSafety] = useState("idempotent");
  const write = (now: Policy, target: string, value: string | null) => {
    const { [target]: before, ...rest } = now.rerun_safety ?? {};
    ask({
      title: value ? "Change what a rerun does?" : "Forget what was said?", confirm: value ? "Save" : "Forget",
      children: <Diff changes={[[target, before ? words(before) : "not said", value ? words(value) : "not said"]]} />,
      run: async () => { await data(api.PUT("/v1/settings/policy", { body: { rerun_safety: value ? { ...rest, [target]: value } : rest } as never })); say("Saved"); setName(""); await queries.invalidateQueries(); },
    });
  };
  return (
    <Card title="Rerun safety of targets">
      <div className="min-h-40"><Loaded of={policy}>{(now) => (
        <div className="grid gap-3">
          {Object.keys(now.rerun_safety ?? {}).length === 0 ? <p className="text-muted">Nobody has said what a rerun does to any pipeline or job; what its definition shows counts.</p> : (
            <div className="max-h-72 overflow-auto" tabIndex={0} role="region" aria-label="Rerun safety"><table className="table"><caption className="sr-only">Rerun safety by target</caption><thead><tr><th scope="col">Target</th><th scope="col">A rerun is</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
              <tbody>{Object.entries(now.rerun_safety ?? {}).map(([target, value]) => <tr key={target}><td>{target}</td><td>{words(value)}</td><td className="text-right"><button type="button" className="btn btn-quiet min-h-6 py-0" aria-label={`Forget ${target}`} onClick={() => write(now, target, null)}><Icon name="cross" /></button></td></tr>)}</tbody></table></div>
          )}
          <form className="flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); write(now, name.trim(), safety); }}>
            <Field label="Pipeline or job">{(props) => <input {...props} className="control" required maxLength={260} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
            <Field label="A rerun is">{(props) => <select {...props} className="control" value={safety} onChange={(event) => setSafety(event.target.value)}>{SAFETIES.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
            <button type="submit" className="btn">Add</button>
          </form>
        </div>
      )}</Loaded></div>
    </Card>
  );
}

interface Span { name: string; start: string; end: string; environments?: string[]; targets?: string[] }
type Spans = "freezes" | "maintenance";
const BLANK = { kind: "freezes" as Spans, name: "", start: "", end: "", environments: "", targets: "" };
const names = (text: string) => text.split(",").map((one) => one.trim()).filter(Boolean);

/** Times in which nothing is done: without a person, or until they are over. */
function Freezes({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  const queries = useQueryClient();
  const [draft, setDraft] = useState(BLANK);
  const set = (changes: Partial<typeof BLANK>) => setDraft({ ...draft, ...changes });
  const all = (kind: Spans) => (policy.data as unknown as Partial<Record<Spans, Span[]>> | undefined)?.[kind];
  const write = (kind: Spans, spans: Span[], title: string, diff: [string, string, string]) => ask({
    title, confirm: "Save", children: <div className="grid gap-3"><Diff changes={[diff]} /><Replay change={{ policy: { [kind]: spans } }} /></div>,
    run: async () => { await data(api.PUT("/v1/settings/policy", { body: { [kind]: spans } as never })); say("Saved"); setDraft(BLANK); await queries.invalidateQueries(); },
  });
  const add = () => {
    const span: Span = { name: draft.name.trim(), start: new Date(draft.start).toISOString(), end: new Date(draft.end).toISOString(), environments: names(draft.environments), targets: names(draft.targets) };
    write(draft.kind, [...(all(draft.kind) ?? []), span], `Add ${span.name}?`, [words(draft.kind), "not there", span.name]);
  };
  return (
    <Card title="Freezes and maintenance">
      <div className="min-h-64">{!policy.data ? <Skeleton rows={3} /> : all("freezes") === undefined ? <NotYet what="Freezes">Times in which nothing is changed. Until then the kill switch does it.</NotYet> : (
        <div className="grid gap-4">
          {(["freezes", "maintenance"] as const).map((kind) => (
            <div key={kind}>
              <h3 className="label mb-1">{kind === "freezes" ? "Freezes: nothing without a person" : "Maintenance: nothing until it is over"}</h3>
              {all(kind)?.length ? <ul className="grid gap-1">{all(kind)?.map((span, index) => (
                <li key={index} className="flex flex-wrap items-center justify-between gap-2"><span><strong>{span.name}</strong> <Ago at={span.start} /> to <Ago at={span.end} /> <span className="label">{[...(span.environments ?? []), ...(span.targets ?? [])].join(", ") || "everything"}</span></span>
                  <button type="button" className="btn btn-quiet min-h-6 py-0" aria-label={`Remove ${span.name}`} onClick={() => write(kind, (all(kind) ?? []).filter((_, at) => at !== index), `Remove ${span.name}?`, [words(kind), span.name, "not there"])}><Icon name="cross" /></button></li>
              ))}</ul> : <p className="text-muted">None.</p>}
            </div>
          ))}
          <details><summary className="more">Add one</summary>
            <form className="mt-2 grid gap-3 sm:grid-cols-2" onSubmit={(event) => { event.preventDefault(); add(); }}>
              <Field label="Kind">{(props) => <select {...props} className="control" value={draft.kind} onChange={(event) => set({ kind: event.target.value as Spans })}><option value="freezes">Freeze</option><option value="maintenance">Maintenance</option></select>}</Field>
              <Field label="Called">{(props) => <input {...props} className="control" required maxLength={200} value={draft.name} onChange={(event) => set({ name: event.target.value })} />}</Field>
              <Field label="From" hint="Your local time">{(props) => <input {...props} type="datetime-local" className="control" required value={draft.start} onChange={(event) => set({ start: event.target.value })} />}</Field>
              <Field label="Until">{(props) => <input {...props} type="datetime-local" className="control" required min={draft.start} value={draft.end} onChange={(event) => set({ end: event.target.value })} />}</Field>
              <Field label="Environments" hint="With commas; empty: all">{(props) => <input {...props} className="control" value={draft.environments} onChange={(event) => set({ environments: event.target.value })} />}</Field>
              <Field label="Pipelines and jobs" hint="With commas; empty: all">{(props) => <input {...props} className="control" value={draft.targets} onChange={(event) => set({ targets: event.target.value })} />}</Field>
              <button type="submit" className="btn justify-self-start">Look at the change</button>
            </form>
          </details>
        </div>
      )}</div>
    </Card>
  );
}

/** Another threshold for some severities; empty: the usual one. */
function BySeverity({ ask }: { ask: Ask }) {
  const policy = useQuery(policyQuery);
  const queries = useQueryClient();
  const [edits, setEdits] = useState<Record<string, string>>({});
  const now = (policy.data as unknown as { confidence_by_severity?: Record<string, number> } | undefined)?.confidence_by_severity;
  if (!policy.data || now === undefined) return null;
  const text = (severity: string) => edits[severity] ?? (now[severity] === undefined ? "" : String(now[severity]));
  const then = Object.fromEntries(SEVERITIES.filter((one) => text(one) !== "").map((one) => [one, Number(text(one))]));
  const changes = SEVERITIES.filter((one) => (now[one] === undefined ? "" : String(now[one])) !== text(one)).map((one): [string, string, string] => [`Threshold, ${one}`, now[one]?.toFixed(2) ?? "usual", text(one) === "" ? "usual" : Number(text(one)).toFixed(2)]);
  return (
    <Card title="Threshold by severity">
      <form className="grid gap-3" onSubmit={(event) => {
        event.preventDefault();
        ask({ title: "Change the thresholds?", confirm: "Save", children: <div className="grid gap-3"><Diff changes={changes} /><Replay change={{ policy: { confidence_by_severity: then } }} /></div>,
          run: async () => { await data(api.PUT("/v1/settings/policy", { body: { confidence_by_severity: then } as never })); say("Saved"); await queries.invalidateQueries(); setEdits({}); } });
      }}>
        <div className="grid grid-cols-2 gap-3 sm:grid-cols-5">
          {SEVERITIES.map((one) => <Field key={one} label={words(one)}>{(props) => <input {...props} type="number" min="0" max="1" step="0.01" placeholder="usual" className="control w-full" value={text(one)} onChange={(event) => setEdits({ ...edits, [one]: event.target.value })} />}</Field>)}
        </div>
        <div className="flex justify-end"><button type="submit" className="btn btn-primary" disabled={changes.length === 0}>Look at the change</button></div>
      </form>
    </Card>
  );
}

function Connections() {
  const ready = useQuery({ ...readyQuery, refetchInterval: false });
  return (
    <Card title="Connections" aside={<button type="button" className="btn" disabled={ready.isFetching} onClick={() => void ready.refetch().then(({ data: found }) => say(found?.status === "ready" ? "Everything answers" : "Something is wrong", found?.status === "ready" ? "ok" : "err"))}>{ready.isFetching && <Icon name="spinner" className="spin" />}Test</button>}>
      <Loaded of={ready}>{({ checks }) => <ul className="grid gap-2">{Object.entries(checks).map(([name, state]) => <li key={name} className="flex items-center justify-between gap-3"><span>{words(name)}</span><Badge tone={state === "ok" ? "ok" : "err"} icon={state === "ok" ? "check" : "cross"}>{state === "ok" ? "Answers" : state}</Badge></li>)}</ul>}</Loaded>
      <p className="label mt-3">Credentials are never shown here, not even to those who set them.</p>
    </Card>
  );
}

function Inventory() {
  const inventory = useQuery(inventoryQuery);
  return (
    <Card title="Inventory">
      <Loaded of={inventory}>{({ items }) => (items.length === 0 ? <Empty title="No server is known by name" icon="plug">Names found in tickets are matched with this list; <span className="code">PUT /api/v1/settings/inventory</span> writes it.</Empty> : (
        <ul className="max-h-72 overflow-auto" tabIndex={0} aria-label="Inventory">{items.map((item) => <li key={item.name} className="border-b border-line py-1">{item.name}</li>)}</ul>
      ))}</Loaded>
    </Card>
  );
}
