/** Open a ticket by hand: templates to start from, and what would happen before it does. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, call, data, Problem, type Severity } from "../api/client";
import { killSwitchQuery, modeQuery, ticketsQuery } from "../api/queries";
import { Icon } from "../ui/icons";
import { Badge, Card, ErrorPanel, Field, PageHead, say, StatusBadge, useTitle } from "../ui/kit";
import { only } from "../ui/only";
import { FINAL, percent, plural, SEVERITIES, words } from "../words";

interface Draft { title: string; description: string; severity: Severity; environment: string; service: string; ci: string; kind: "none" | "pipeline" | "job"; name: string; place: string; run_id: string }
const BLANK: Draft = { title: "", description: "", severity: "high", environment: "", service: "", ci: "", kind: "none", name: "", place: "", run_id: "" };
const KEY = "mend.draft";

const TEMPLATES: [string, Partial<Draft>][] = [
  ["Pipeline failed", { title: "Pipeline load_orders failed", description: "Copy activity: Cannot connect to SQL Database. A network-related or instance-specific error occurred.", kind: "pipeline", name: "load_orders", severity: "high" }],
  ["Job failed", { title: "Job build_features failed", description: "java.lang.OutOfMemoryError: Java heap space", kind: "job", name: "build_features", severity: "high" }],
  ["Disk full", { title: "Disk full on sql-prod-01", description: "Volume /data on sql-prod-01 is 98 % full; loads into it fail.", ci: "sql-prod-01", severity: "high" }],
  ["Service stopped", { title: "Integration runtime stopped", description: "The self-hosted integration runtime on ir-node-02 is offline.", ci: "ir-node-02", service: "data platform", severity: "critical" }],
  ["Pod restarts", { title: "Pods of ingest restart again and again", description: "CrashLoopBackOff in namespace ingest on aks-prod.", service: "ingest", ci: "aks-prod", severity: "high" }],
  ["Certificate expires", { title: "Certificate of the data gateway expires in 3 days", description: "CN=gateway.example.net, valid until Friday.", severity: "medium" }],
  ["Connections exhausted", { title: "Database refuses new connections", description: "Resource ID: 1. The request limit for the database is 200 and has been reached.", service: "orders", severity: "critical" }],
];

function stored(): Draft {
  try {
    return { ...BLANK, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Draft>) };
  } catch {
    return BLANK;
  }
}

function bodyOf(draft: Draft): Record<string, unknown> {
  const text = (value: string) => value.trim() || undefined;
  const place = draft.kind === "pipeline" ? { factory: text(draft.place) } : draft.kind === "job" ? { workspace: text(draft.place) } : {};
  return JSON.parse(JSON.stringify({
    title: draft.title.trim(), description: draft.description, severity: draft.severity, environment: text(draft.environment), service: text(draft.service),
    ci: draft.ci.split(/[,;]/).map((one) => one.trim()).filter(Boolean),
    ...(draft.kind === "none" ? {} : { [draft.kind]: text(draft.name), run_id: text(draft.run_id), ...place }),
  })) as Record<string, unknown>;
}

export default only("operator", "New ticket", NewTicket);

function NewTicket() {
  useTitle("New ticket");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [draft, setDraft] = useState(stored);
  const [key] = useState(() => crypto.randomUUID());
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => sessionStorage.setItem(KEY, JSON.stringify(draft)), [draft]);
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes });
  const wrong = (...names: string[]) => (error instanceof Problem ? names.map((name) => error.fieldError(name)).find(Boolean) : undefined);
  async function open() {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      const body = bodyOf(draft);
      const hash = Array.from(new TextEncoder().encode(JSON.stringify(body))).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
      const ticket = await data(api.POST("/v1/tickets", { params: { header: { "Idempotency-Key": `${key}-${hash}` } }, body: body as never }));
      sessionStorage.removeItem(KEY);
      say(ticket.duplicate_count ? "There is one already: counted on it" : "Ticket opened");
      void queries.invalidateQueries();
      await navigate({ to: "/tickets/$id", params: { id: ticket.id } });
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      <PageHead title="New ticket" lead="What senders report by themselves needs no ticket by hand."><Link to="/tickets/upload" className="btn"><Icon name="upload" />Many at once: CSV</Link></PageHead>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_360px]">
        <Card title="What failed?">
          <fieldset className="mb-4"><legend className="label mb-1.5">Start from a template</legend>
            <div className="flex flex-wrap gap-1.5">{TEMPLATES.map(([name, filled]) => <button key={name} type="button" className="btn min-h-7 rounded-full px-3 py-0.5 text-xs" onClick={() => setDraft({ ...BLANK, ...filled })}>{name}</button>)}</div>
          </fieldset>
          <form className="grid gap-4" onSubmit={(event) => { event.preventDefault(); void open(); }}>
            <Field label="Title" error={wrong("title")}>{(props) => <input {...props} className="control w-full" required maxLength={200} value={draft.title} onChange={(event) => set({ title: event.target.value })} />}</Field>
            <Field label="Description" hint="The error text, if there is one: causes are recognised by it." error={wrong("description")}>{(props) => <textarea {...props} className="control w-full" rows={5} maxLength={8000} value={draft.description} onChange={(event) => set({ description: event.target.value })} />}</Field>
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="Severity" error={wrong("severity")}>{(props) => <select {...props} className="control" value={draft.severity} onChange={(event) => set({ severity: event.target.value as Severity })}>{SEVERITIES.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
              <Field label="About" hint="With a pipeline or job Mend can act.">{(props) => <select {...props} className="control" value={draft.kind} onChange={(event) => set({ kind: event.target.value as Draft["kind"] })}><option value="none">Something else</option><option value="pipeline">A pipeline</option><option value="job">A job</option></select>}</Field>
              {draft.kind !== "none" && (
                <>
                  <Field label={draft.kind === "pipeline" ? "Pipeline" : "Job"} error={wrong("pipeline", "job")}>{(props) => <input {...props} className="control" required maxLength={260} value={draft.name} onChange={(event) => set({ name: event.target.value })} />}</Field>
                  <Field label="Run id" hint="The run that failed, if you know it." error={wrong("run_id")}>{(props) => <input {...props} className="control" maxLength={128} value={draft.run_id} onChange={(event) => set({ run_id: event.target.value })} />}</Field>
                  <Field label={draft.kind === "pipeline" ? "Factory" : "Workspace"} hint="Empty: the usual one." error={wrong("factory", "workspace")}>{(props) => <input {...props} className="control" maxLength={260} value={draft.place} onChange={(event) => set({ place: event.target.value })} />}</Field>
                </>
              )}
              <Field label="Environment" error={wrong("environment")}>{(props) => <input {...props} className="control" maxLength={260} placeholder="prod" value={draft.environment} onChange={(event) => set({ environment: event.target.value })} />}</Field>
              <Field label="Service" error={wrong("service")}>{(props) => <input {...props} className="control" maxLength={260} value={draft.service} onChange={(event) => set({ service: event.target.value })} />}</Field>
              <Field label="Servers" hint="With commas between them; names in the text are found anyway." error={wrong("ci")}>{(props) => <input {...props} className="control" value={draft.ci} onChange={(event) => set({ ci: event.target.value })} />}</Field>
            </div>
            {error !== null && <ErrorPanel error={error} retry={() => void open()} />}
            <div className="flex justify-end gap-2">
              <button type="button" className="btn" onClick={() => { setDraft(BLANK); setError(null); }}>Start over</button>
              <button type="submit" className="btn btn-primary" disabled={busy}>{busy && <Icon name="spinner" className="spin" />}Open ticket</button>
            </div>
          </form>
        </Card>
        <Preview draft={draft} />
      </div>
    </>
  );
}

interface Item { name: string; where: string; known: boolean }

function Preview({ draft }: { draft: Draft }) {
  const [asked, setAsked] = useState(draft);
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(draft), 400);
    return () => window.clearTimeout(timer);
  }, [draft]);
  const text = `${asked.title} ${asked.description}`.trim();
  const servers = useQuery({
    queryKey: ["static", "extract", asked.title, asked.description, asked.service, asked.ci], enabled: text !== "",
    queryFn: () => call<{ items: Item[] }>("POST", "v1/infrastructure/extract-ci", { title: asked.title, description: asked.description, service: asked.service, ...(asked.ci.trim() ? { meta_data: { ci_association: asked.ci.split(/[,;]/).map((one) => one.trim()).filter(Boolean) } } : {}) }),
    retry: false,
  });
  const name = asked.kind === "none" ? "" : asked.name.trim();
  const earlier = useQuery({ ...ticketsQuery({ q: name }, undefined, undefined, 20), enabled: name.length > 2, refetchInterval: false });
  const mode = useQuery(modeQuery), kill = useQuery(killSwitchQuery);
  const same = (earlier.data?.items ?? []).filter((one) => one.resource.name.toLowerCase() === name.toLowerCase());
  const open = same.find((one) => !FINAL.has(one.status)), ended = same.filter((one) => FINAL.has(one.status));
  const healed = ended.filter((one) => one.outcome === "healed").length;
  const steps: [string, React.ReactNode][] = [
    ["Duplicate?", !name ? "It stands for itself; the same title again is counted on it." : open ? <>One is open for this already: <Link to="/tickets/$id" params={{ id: open.id }}>{open.id}</Link>. It would be counted there.</> : "No open ticket for it: a new one is opened."],
    ["Read back", asked.kind === "none" ? "There is no run to read: the text is all there is." : asked.run_id ? "The run is read from the platform." : "The newest failed run of it is looked for."],
    ["Seen before?", same.length === 0 ? "Never." : <>{plural(ended.length, "time")} before, {percent(ended.length ? healed / ended.length : null)} healed. Last cause: {ended[0]?.analysis?.root_cause || "unknown"} {ended[0] && <StatusBadge status={ended[0].status} />}</>],
    ["Act?", kill.data?.on ? <Badge tone="err" icon="stop">No: the kill switch is on</Badge> : asked.kind === "none" ? "No: a person gets it, with what was found." : mode.data?.mode === "hil" ? <Badge tone="hold" icon="pause">A person is asked first (HIL)</Badge> : <>Alone, if the cause is known with at least {mode.data?.confidence_threshold.toFixed(2)} and every rule allows it.</>],
  ];
  return (
    <Card title="What would happen">
      <div className="min-h-64">
        {text === "" ? <p className="text-muted">Write something, or take a template.</p> : (
          <ol className="grid gap-3">
            {steps.map(([title, says]) => <li key={title}><p className="label">{title}</p><div>{says}</div></li>)}
            <li><p className="label">Servers in it</p>
              {servers.data?.items.length ? <ul className="mt-1 flex flex-wrap gap-1.5">{servers.data.items.map((item) => <li key={item.name}><Badge tone={item.known ? "ok" : "idle"} icon={item.known ? "check" : "dashed"}>{item.name} · {item.known ? "known" : words(item.where)}</Badge></li>)}</ul> : "None was found."}
            </li>
          </ol>
        )}
      </div>
    </Card>
  );
}
