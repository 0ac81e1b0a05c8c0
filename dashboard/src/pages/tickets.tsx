/** The list: everything about it is in the address, and nothing moves under the cursor. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { memo, useEffect, useRef, useState } from "react";
import { api, type Ticket } from "../api/client";
import { facetsQuery, type Filters, ticketsQuery } from "../api/queries";
import { FILTER_NAMES, type TicketsSearch } from "../routes";
import { isTyping } from "../shell";
import { Icon } from "../ui/icons";
import { Ago, Announce, Dialog, Empty, ErrorPanel, Field, PageHead, problemText, say, SeverityMark, Skeleton, StatusBadge, useTitle } from "../ui/kit";
import { Needs } from "../ui/needs";
import { setPrefs, usePrefs } from "../ui/prefs";
import { FINAL, plural, SEVERITIES, STATUSES, words } from "../words";

const route = getRouteApi("/tickets");
const DIMENSIONS: { name: "status" | "severity" | "source" | "platform" | "classification"; label: string; first: readonly string[] }[] = [
  { name: "status", label: "Status", first: Object.keys(STATUSES) },
  { name: "severity", label: "Severity", first: SEVERITIES },
  { name: "source", label: "Source", first: [] },
  { name: "platform", label: "Platform", first: [] },
  { name: "classification", label: "Verdict", first: [] },
];
const SORT_LABELS: Record<string, string> = {
  "-created_at": "Newest first", created_at: "Oldest first", "-updated_at": "Changed last", updated_at: "Changed first", "-severity": "Most severe", severity: "Least severe",
};
/** How the pages before this one were reached, so that "previous" works within one visit. */
const before = new Map<string, { cursor: string | undefined; number: number }>();

const valueWord = (dimension: string, value: string) => (dimension === "status" ? STATUSES[value]?.label : undefined) ?? words(value);

export default function Tickets() {
  useTitle("Tickets");
  const search = route.useSearch();
  const navigate = useNavigate();
  const prefs = usePrefs();
  const { sort, cursor, ...filters } = search;
  const asked = useQuery(ticketsQuery(filters, sort, cursor));
  const facets = useQuery(facetsQuery(filters));
  const key = JSON.stringify([filters, sort, cursor]);
  const { rows, fresh, show } = useStable(asked.data?.items, asked.isPlaceholderData ? null : key);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const wide = useWide();
  const page = cursor ? (before.get(cursor)?.number ?? 1) + 1 : 1;
  const change = (changes: Partial<TicketsSearch>, replace = false) => {
    setSelected(new Set());
    const next = Object.fromEntries(Object.entries({ ...search, cursor: undefined, ...changes }).filter(([, value]) => value));
    void navigate({ to: "/tickets", search: next as TicketsSearch, replace, resetScroll: false });
  };
  const next = asked.data?.next_cursor ?? null;
  const goNext = () => {
    if (!next || asked.isPlaceholderData) return;
    before.set(next, { cursor, number: page });
    change({ cursor: next });
  };
  const goBack = () => { if (cursor) change({ cursor: before.get(cursor)?.cursor }); };
  const toggle = (id: string) => setSelected((now) => {
    const changed = new Set(now);
    if (!changed.delete(id)) changed.add(id);
    return changed;
  });
  useRowKeys(rows, toggle, goNext, goBack);
  const active = FILTER_NAMES.filter((name) => filters[name]);
  const total = facets.data?.total;
  const asCards = prefs.cards || !wide;
  return (
    <>
      <PageHead title="Tickets" lead={total === undefined ? "\u00a0" : `${plural(total, "ticket")}${active.length ? " with these filters" : ""}`}>
        <Link to="/tickets/upload" className="btn"><Icon name="upload" />Upload CSV</Link>
        <Link to="/tickets/new" className="btn btn-primary"><Icon name="plus" />New ticket</Link>
      </PageHead>
      <div className="mb-3 flex flex-wrap items-center gap-2" role="search" aria-label="Filter tickets">
        <SearchBox value={filters.q ?? ""} onChange={(q) => change({ q: q || undefined } as Partial<TicketsSearch>, true)} />
        {DIMENSIONS.map((dimension) => <Facet key={dimension.name} dimension={dimension} filters={filters} onChange={change} />)}
        <Since value={filters.from} onChange={(from) => change({ from } as Partial<TicketsSearch>)} />
        <label><span className="sr-only">Sort by</span>
          <select className="control" value={sort ?? "-created_at"} onChange={(event) => change({ sort: event.target.value as TicketsSearch["sort"] } as Partial<TicketsSearch>)}>
            {Object.entries(SORT_LABELS).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
          </select>
        </label>
        {wide && (
          <button type="button" className="btn" aria-pressed={prefs.cards} onClick={() => setPrefs({ cards: !prefs.cards })}>{prefs.cards ? "Table" : "Cards"}</button>
        )}
        <Views search={search} />
      </div>
      {active.length > 0 && (
        <ul className="mb-3 flex flex-wrap items-center gap-1.5" aria-label="Active filters">
          {active.map((name) => (
            <li key={name}>
              <button type="button" className="btn min-h-6 gap-1 px-2 py-0 text-xs" onClick={() => change({ [name]: undefined })} title="Remove this filter">
                {words(name)}: {name === "from" || name === "to" ? <Ago at={filters[name]} /> : (filters[name] ?? "").split(",").map((value) => (name === "q" ? `“${value}”` : valueWord(name, value))).join(", ")}<span className="sr-only">, remove</span><Icon name="cross" size={12} />
              </button>
            </li>
          ))}
          <li><button type="button" className="btn btn-quiet min-h-6 px-2 py-0 text-xs text-accent" onClick={() => void navigate({ to: "/tickets", search: sort ? { sort } : {} })}>Clear filters</button></li>
        </ul>
      )}
      {asked.error !== null && <div className="mb-3"><ErrorPanel error={asked.error} retry={() => void asked.refetch()} /></div>}
      <Announce text={fresh > 0 ? `${plural(fresh, "new ticket")}` : total === undefined ? "" : plural(total, "ticket")} />
      <div className="relative">
        {fresh > 0 && (
          <button type="button" onClick={show} className="btn btn-primary absolute top-1 left-1/2 z-10 -translate-x-1/2 rounded-full shadow-lg">{plural(fresh, "new ticket")} – show</button>
        )}
        <div className={asked.isPlaceholderData ? "opacity-60" : ""}>
          {!rows ? asked.error === null && <Skeleton rows={12} className="h-9" />
            : rows.length === 0 ? <div className="card"><NoRows active={active} filters={filters} onClear={() => void navigate({ to: "/tickets", search: {} })} /></div>
            : asCards ? <Cards rows={rows} /> : <Table rows={rows} selected={selected} onToggle={toggle} onAll={(all) => setSelected(all ? new Set(rows.map(({ id }) => id)) : new Set())} />}
        </div>
      </div>
      {(cursor || next) && (
        <nav aria-label="Pages" className="mt-3 flex items-center gap-2">
          <button type="button" className="btn" onClick={goBack} disabled={!cursor}><Icon name="left" />{cursor && !before.has(cursor) ? "First page" : "Previous"}</button>
          <span className="text-muted">Page {page}{total !== undefined && total > 0 ? ` of ${Math.ceil(total / 50).toLocaleString("en")}` : ""}</span>
          <button type="button" className="btn" onClick={goNext} disabled={!next}>Next<Icon name="right" /></button>
        </nav>
      )}
      {selected.size > 0 && rows && <BulkBar rows={rows.filter(({ id }) => selected.has(id))} onDone={() => setSelected(new Set())} />}
    </>
  );
}

/** The rows as they were first shown; their cells are up to date, new ones wait to be asked for. */
function useStable(items: Ticket[] | undefined, key: string | null): { rows: Ticket[] | undefined; fresh: number; show: () => void } {
  const [held, setHeld] = useState<{ key: string | null; rows: Ticket[] } | null>(null);
  let now = held;
  if (items && key !== null && (held === null || held.key !== key || held.rows.length === 0)) {
    now = { key, rows: items };
    if (held === null || held.key !== key || items.length > 0) setHeld(now);
  }
  if (!now) return { rows: undefined, fresh: 0, show: () => undefined };
  if (!items || key === null) return { rows: now.rows, fresh: 0, show: () => undefined };
  const current = new Map(items.map((one) => [one.id, one]));
  const shown = new Set(now.rows.map(({ id }) => id));
  return {
    rows: now.rows.map((row) => current.get(row.id) ?? row),
    fresh: items.filter(({ id }) => !shown.has(id)).length,
    show: () => setHeld({ key, rows: items }),
  };
}

export function useWide(): boolean {
  const [query] = useState(() => matchMedia("(min-width: 768px)"));
  const [wide, setWide] = useState(query.matches);
  useEffect(() => {
    const onChange = () => setWide(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, [query]);
  return wide;
}

function useRowKeys(rows: Ticket[] | undefined, toggle: (id: string) => void, next: () => void, back: () => void): void {
  const { shortcuts } = usePrefs();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
      const links = [...document.querySelectorAll<HTMLAnchorElement>("[data-row]")];
      const at = links.findIndex((link) => link === document.activeElement || link.closest("tr, li")?.contains(document.activeElement));
      if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); }
      else if (event.key === "j" || event.key === "k") { event.preventDefault(); links[Math.min(links.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))]?.focus(); }
      else if (event.key === "x" && at >= 0) { const id = rows?.[at]?.id; if (id) toggle(id); }
      else if (event.key === "n") next();
      else if (event.key === "p") back();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
}

function SearchBox({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  useEffect(() => { if (value !== sent.current) { sent.current = value; setTyped(value); } }, [value]);
  useEffect(() => {
    if (typed.trim() === sent.current) return;
    const timer = window.setTimeout(() => { sent.current = typed.trim(); onChange(typed.trim()); }, 150);
    return () => window.clearTimeout(timer);
  });
  return <input id="search" type="search" className="control w-full sm:w-60" aria-label="Search tickets" placeholder="Search: words, ids, names" maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />;
}

/** A list of values with counts: what each would add under the other filters. */
function Facet({ dimension: { name, label, first }, filters, onChange }: { dimension: (typeof DIMENSIONS)[number]; filters: Filters; onChange: (changes: Partial<TicketsSearch>) => void }) {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDetailsElement>(null);
  const { [name]: mine, ...others } = filters;
  const counts = useQuery({ ...facetsQuery(others), enabled: open });
  const chosen = mine ? mine.split(",") : [];
  const values = [...new Set([...first, ...Object.keys(counts.data?.[name] ?? {}), ...chosen])].slice(0, 20);
  useEffect(() => {
    if (!open) return;
    const onDown = (event: Event) => { if (!ref.current?.contains(event.target as Node)) setOpen(false); };
    const onKey = (event: KeyboardEvent) => { if (event.key === "Escape") { setOpen(false); ref.current?.querySelector("summary")?.focus(); } };
    addEventListener("pointerdown", onDown);
    addEventListener("keydown", onKey);
    return () => { removeEventListener("pointerdown", onDown); removeEventListener("keydown", onKey); };
  }, [open]);
  const choose = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
    onChange({ [name]: next.length ? next.join(",") : undefined });
  };
  return (
    <details ref={ref} className="relative" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className={`btn ${chosen.length ? "border-accent bg-accent-soft text-accent" : ""}`}>{label}{chosen.length > 0 && ` (${chosen.length})`}<Icon name="down" size={12} /></summary>
      {open && (
        <fieldset className="absolute left-0 z-20 mt-1 grid w-60 gap-0.5 rounded-lg border border-line bg-surface p-2 shadow-lg">
          <legend className="sr-only">{label}</legend>
          {values.map((value) => (
            <label key={value} className="flex min-h-7 items-center gap-2 rounded px-1.5 hover:bg-surface-2">
              <input type="checkbox" checked={chosen.includes(value)} onChange={() => choose(value)} />{valueWord(name, value)}
              <span className="ml-auto text-xs text-muted">{counts.data ? (counts.data[name][value] ?? 0) : "…"}</span>
            </label>
          ))}
          {values.length === 0 && <span className="p-1 text-muted">{counts.isPending ? "Counting …" : "Nothing to choose from"}</span>}
        </fieldset>
      )}
    </details>
  );
}

const RANGES: [string, number][] = [["Last hour", 1], ["Last 24 hours", 24], ["Last 7 days", 168], ["Last 30 days", 720]];

function Since({ value, onChange }: { value: string | undefined; onChange: (from: string | undefined) => void }) {
  const hours = value ? (Date.now() - Date.parse(value)) / 3_600_000 : 0;
  const range = value ? RANGES.find(([, long]) => Math.abs(hours - long) < Math.max(0.2, long * 0.05)) : undefined;
  return (
    <label><span className="sr-only">Opened</span>
      <select className="control" value={value ? String(range?.[1] ?? "own") : ""}
        onChange={(event) => onChange(event.target.value ? new Date(Math.floor((Date.now() - Number(event.target.value) * 3_600_000) / 60_000) * 60_000).toISOString() : undefined)}>
        <option value="">Any time</option>
        {RANGES.map(([label, long]) => <option key={long} value={long}>{label}</option>)}
        {value && !range && <option value="own">Since {value.slice(0, 16).replace("T", " ")}</option>}
      </select>
    </label>
  );
}

function Views({ search }: { search: TicketsSearch }) {
  const { views } = usePrefs();
  const navigate = useNavigate();
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const { cursor: _, ...kept } = search;
  const ready = [{ name: "Needs a person", search: { status: "awaiting_approval,escalated" } }, { name: "Under way", search: { status: "open,analyzing,remediating,monitoring" } }];
  return (
    <>
      <label><span className="sr-only">Saved views</span>
        <select className="control" value="" onChange={(event) => {
          const [kind, at] = event.target.value.split(":");
          const found = kind === "own" ? views[Number(at)] : undefined;
          if (kind === "ready") void navigate({ to: "/tickets", search: ready[Number(at)]?.search ?? {} });
          else if (found) void navigate({ to: "/tickets", search: Object.fromEntries(new URLSearchParams(found.search)) });
          else if (kind === "save") setNaming(true);
          else if (kind === "forget") { setPrefs({ views: [] }); say("Saved views are gone"); }
        }}>
          <option value="">Views</option>
          {ready.map((view, at) => <option key={view.name} value={`ready:${at}`}>{view.name}</option>)}
          {views.map((view, at) => <option key={view.name} value={`own:${at}`}>{view.name}</option>)}
          <option value="save">Save this view …</option>
          {views.length > 0 && <option value="forget">Forget saved views</option>}
        </select>
      </label>
      <Dialog open={naming} onClose={() => setNaming(false)} title="Save this view">
        <form className="grid gap-4" onSubmit={(event) => {
          event.preventDefault();
          setPrefs({ views: [...views.filter((view) => view.name !== name.trim()), { name: name.trim(), search: new URLSearchParams(kept as Record<string, string>).toString() }] });
          setNaming(false); setName(""); say("View saved in this browser");
        }}>
          <Field label="Name">{(props) => <input {...props} className="control w-full" required maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />}</Field>
          <div className="flex justify-end gap-2"><button type="button" className="btn" onClick={() => setNaming(false)}>Not now</button><button type="submit" className="btn btn-primary">Save</button></div>
        </form>
      </Dialog>
    </>
  );
}

function NoRows({ active, filters, onClear }: { active: readonly string[]; filters: Filters; onClear: () => void }) {
  if (active.length === 0) return <Empty title="No tickets yet" icon="tickets">A failed pipeline or job that is reported becomes a ticket. <Link to="/tickets/new">Open one by hand</Link> to see what happens.</Empty>;
  if (filters.status === "escalated") return <Empty title="Nothing was handed to a person" icon="check">No ticket with these filters escalated. <button type="button" className="btn mt-3" onClick={onClear}>Clear filters</button></Empty>;
  return (
    <Empty title="No ticket matches" icon="search">
      <p>Active: {active.map((name) => words(name)).join(", ")}.</p>
      <button type="button" className="btn mt-3" onClick={onClear}>Clear filters</button>
    </Empty>
  );
}

const EDGES: Record<string, string> = { critical: "border-l-err", high: "border-l-warn", medium: "border-l-info", low: "border-l-line-strong", info: "border-l-line" };

function Table({ rows, selected, onToggle, onAll }: { rows: Ticket[]; selected: ReadonlySet<string>; onToggle: (id: string) => void; onAll: (all: boolean) => void }) {
  const { dense } = usePrefs();
  const toggle = useRef(onToggle);
  toggle.current = onToggle;
  const [stable] = useState(() => (id: string) => toggle.current(id));
  return (
    <div className="card overflow-x-auto">
      <table className="table">
        <caption className="sr-only">Tickets</caption>
        <thead>
          <tr>
            <th scope="col" className="w-8"><input type="checkbox" aria-label="Select all on this page" checked={selected.size === rows.length} onChange={(event) => onAll(event.target.checked)} /></th>
            <th scope="col">Status</th><th scope="col">Severity</th><th scope="col" className="w-1/2">What failed</th><th scope="col">Source</th><th scope="col">Attempts</th><th scope="col">Opened</th><th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>{rows.map((row) => <Row key={row.id} ticket={row} dense={dense} selected={selected.has(row.id)} onToggle={stable} />)}</tbody>
      </table>
    </div>
  );
}

const Row = memo(function Row({ ticket, selected, onToggle }: { ticket: Ticket; dense: boolean; selected: boolean; onToggle: (id: string) => void }) {
  return (
    <tr className={`${selected ? "bg-accent-soft" : "hover:bg-surface-2"}`} data-id={ticket.id}>
      <td className={`border-l-4 ${EDGES[ticket.severity] ?? ""}`}><input type="checkbox" aria-label={`Select ${ticket.id}`} checked={selected} onChange={() => onToggle(ticket.id)} /></td>
      <td><StatusBadge status={ticket.status} /></td>
      <td><SeverityMark severity={ticket.severity} /></td>
      <td className="max-w-0">
        <Link data-row to="/tickets/$id" params={{ id: ticket.id }} className="block truncate font-medium text-text no-underline hover:underline" title={ticket.title}>{ticket.title}</Link>
        <span className="block truncate text-xs text-muted">{ticket.id} · {ticket.analysis?.root_cause || words(ticket.outcome ?? ticket.analysis?.category) || ticket.resource.name}</span>
      </td>
      <td className="whitespace-nowrap">{words(ticket.source)}</td>
      <td className="text-right">{ticket.attempts.length}</td>
      <td><Ago at={ticket.created_at} /></td>
      <td><Ago at={ticket.updated_at} /></td>
    </tr>
  );
});

export function Cards({ rows }: { rows: Ticket[] }) {
  return (
    <ul className="grid gap-2 lg:grid-cols-2">
      {rows.map((ticket) => (
        <li key={ticket.id} className={`card border-l-4 p-3 ${EDGES[ticket.severity] ?? ""}`} data-id={ticket.id}>
          <div className="flex flex-wrap items-center gap-2"><StatusBadge status={ticket.status} /><SeverityMark severity={ticket.severity} /><Ago at={ticket.created_at} className="ml-auto text-xs text-muted" /></div>
          <Link data-row to="/tickets/$id" params={{ id: ticket.id }} className="mt-1.5 block font-medium text-text no-underline hover:underline">{ticket.title}</Link>
          <p className="mt-0.5 text-xs text-muted">{words(ticket.source)} · {ticket.analysis?.root_cause || ticket.resource.name}</p>
        </li>
      ))}
    </ul>
  );
}

function BulkBar({ rows, onDone }: { rows: Ticket[]; onDone: () => void }) {
  const queries = useQueryClient();
  const [assignee, setAssignee] = useState("");
  const [busy, setBusy] = useState(false);
  async function each(what: string, run: (ticket: Ticket) => Promise<unknown>) {
    setBusy(true);
    const results = await Promise.allSettled(rows.map(run));
    const failed = results.find((one) => one.status === "rejected");
    const fine = results.filter((one) => one.status === "fulfilled").length;
    if (fine) say(`${plural(fine, "ticket")} ${what}`);
    if (failed?.status === "rejected") say(`${results.length - fine} not ${what}: ${problemText(failed.reason)}`, "err");
    await queries.invalidateQueries();
    setBusy(false);
    onDone();
  }
  const patch = (body: { assignee?: string; severity?: Ticket["severity"] }) => (ticket: Ticket) =>
    api.PATCH("/v1/tickets/{ticket_id}", { params: { path: { ticket_id: ticket.id }, header: { "If-Match": `"${ticket.version}"` } }, body: body as never });
  const open = rows.filter(({ status }) => !FINAL.has(status));
  return (
    <div role="region" aria-label="Selected tickets" className="sticky bottom-16 z-10 mt-3 flex flex-wrap items-center gap-2 rounded-lg border border-line-strong bg-surface p-3 shadow-lg md:bottom-3">
      <strong>{plural(rows.length, "ticket")} selected</strong>
      <Needs role="operator" row>
      <form className="flex gap-2" onSubmit={(event) => { event.preventDefault(); void each("assigned", patch({ assignee: assignee.trim() })); }}>
        <input className="control w-40" aria-label="Assign to" placeholder="Assign to …" maxLength={200} required value={assignee} onChange={(event) => setAssignee(event.target.value)} />
        <button type="submit" className="btn" disabled={busy}>Assign</button>
      </form>
      <label><span className="sr-only">Set severity</span>
        <select className="control" value="" disabled={busy} onChange={(event) => void each("changed", patch({ severity: event.target.value as Ticket["severity"] }))}>
          <option value="">Severity …</option>{SEVERITIES.map((one) => <option key={one} value={one}>{words(one)}</option>)}
        </select>
      </label>
      </Needs>
      {open.length > 0 && <span className="label">{open.length} still open</span>}
      <button type="button" className="btn btn-quiet ml-auto" onClick={onDone}>Clear selection</button>
    </div>
  );
}
