/** The component kit: native elements, our tokens. */
import { useQueryClient } from "@tanstack/react-query";
import { type ComponentProps, type ReactNode, useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { Problem } from "../api/client";
import { ATTEMPT_STATES, SEVERITIES, STATUSES, type Tone, word, words } from "../words";
import { Icon, type IconName } from "./icons";
import { usePrefs } from "./prefs";

const TONES: Record<Tone, string> = {
  idle: "bg-idle-tint text-idle", info: "bg-info-tint text-info", hold: "bg-hold-tint text-hold",
  warn: "bg-warn-tint text-warn", ok: "bg-ok-tint text-ok", err: "bg-err-tint text-err",
};

export function Badge({ tone, icon, busy, children }: { tone: Tone; icon?: IconName | undefined; busy?: boolean | undefined; children: ReactNode }) {
  return (
    <span className={`badge ${TONES[tone]}`}>
      {icon && <Icon name={icon} size={12} className={busy ? "spin" : ""} />}
      {children}
    </span>
  );
}

export function StatusBadge({ status, of = STATUSES }: { status: string; of?: typeof STATUSES }) {
  const { label, tone, icon, busy } = word(of, status);
  return <Badge tone={tone} icon={icon} busy={busy}>{label}</Badge>;
}

export const AttemptBadge = ({ state }: { state: string }) => <StatusBadge status={state} of={ATTEMPT_STATES} />;

/** Bars and a word: never to be confused with a status. */
export function SeverityMark({ severity }: { severity: string }) {
  const rank = Math.max(0, 4 - SEVERITIES.indexOf(severity as (typeof SEVERITIES)[number]));
  const tone = ["text-idle", "text-idle", "text-info", "text-warn", "text-err"][rank];
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap text-xs font-medium ${tone}`}>
      <svg width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">
        {[0, 1, 2, 3].map((bar) => (
          <rect key={bar} x={bar * 3.6} y={9 - bar * 3} width="2.6" height={3 + bar * 3} rx="0.6" fill={bar < rank ? "currentColor" : "var(--line)"} />
        ))}
      </svg>
      {words(severity)}
    </span>
  );
}

function subscribeMinute(notify: () => void): () => void {
  const timer = window.setInterval(notify, 15_000);
  return () => window.clearInterval(timer);
}
const minuteNow = (): number => Math.floor(Date.now() / 15_000) * 15_000;

/** A point in time: relative, local or UTC, with the exact time at hand. */
export function Ago({ at, className }: { at: string | null | undefined; className?: string }) {
  const { time } = usePrefs();
  const now = useSyncExternalStore(subscribeMinute, minuteNow);
  if (!at) return <span className={className}>–</span>;
  const date = new Date(at);
  const exact = `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const local = date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
  const shown = time === "utc" ? exact : time === "local" ? local : relative(date.getTime(), now);
  return <time dateTime={at} title={time === "utc" ? local : exact} className={`whitespace-nowrap ${className ?? ""}`}>{shown}</time>;
}

export function relative(at: number, now: number): string {
  const past = Math.round((now - at) / 1_000);
  const s = Math.abs(past); // the clock of this page moves every quarter of a minute
  if (past < -15 && s < 45) return "in a moment";
  const text = s < 45 ? "just now" : s < 90 * 60 ? `${Math.max(1, Math.round(s / 60))} min` : s < 36 * 3600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
  return text === "just now" ? text : past >= 0 ? `${text} ago` : `in ${text}`;
}

/** A share with the threshold it is held against. */
export function Confidence({ value, threshold }: { value: number; threshold?: number | undefined }) {
  const enough = threshold === undefined || value >= threshold;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <svg viewBox="0 0 200 14" className="h-3.5 w-48 max-w-full" role="meter" aria-label="Confidence" aria-valuemin={0} aria-valuemax={1} aria-valuenow={value}
        aria-valuetext={threshold === undefined ? value.toFixed(2) : `${value.toFixed(2)}, threshold ${threshold.toFixed(2)}`}>
        <rect y="3" width="200" height="8" rx="4" fill="var(--surface-2)" stroke="var(--line-strong)" strokeWidth="0.7" />
        <rect y="3" width={200 * value} height="8" rx="4" fill={enough ? "var(--ok)" : "var(--warn)"} />
        {threshold !== undefined && <rect x={Math.min(198, 200 * threshold)} width="2" height="14" fill="var(--text)" />}
      </svg>
      <span className="font-semibold whitespace-nowrap">{value.toFixed(2)}</span>
      {threshold !== undefined && <span className="label whitespace-nowrap">threshold {threshold.toFixed(2)}</span>}
    </div>
  );
}

export function Card({ title, aside, children, className = "", pad = true }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string; pad?: boolean }) {
  const id = useId();
  return (
    <section className={`card flex min-w-0 flex-col ${className}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2">
          <h2 id={id} className="text-sm font-semibold">{title}</h2>
          {aside}
        </div>
      )}
      <div className={pad ? "min-w-0 flex-1 p-4" : "min-w-0"}>{children}</div>
    </section>
  );
}

export function Empty({ title, children, icon = "inbox" }: { title: string; children?: ReactNode; icon?: IconName }) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <span className="grid size-10 place-items-center rounded-full bg-surface-2 text-muted"><Icon name={icon} size={20} /></span>
      <p className="font-semibold">{title}</p>
      <div className="max-w-[52ch] text-muted">{children}</div>
    </div>
  );
}

export function NotYet({ what, children }: { what: string; children?: ReactNode }) {
  return <Empty title={`${what}: not available yet`} icon="plug">{children ?? "This installation does not offer it. Everything else works without it."}</Empty>;
}

export function ErrorPanel({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = error instanceof Problem ? error : undefined;
  const queries = useQueryClient();
  return (
    <div role="alert" className="rounded-lg border border-err bg-err-tint p-4 text-text">
      <p className="flex items-center gap-2 font-semibold text-err"><Icon name="warning" />{problem?.title ?? "Something went wrong here"}</p>
      <p className="mt-1">{problem?.detail || (error instanceof Error ? error.message : String(error))}</p>
      {problem?.trace && <p className="code mt-1">Trace: {problem.trace}</p>}
      <button type="button" className="btn mt-3" onClick={retry ?? (() => void queries.refetchQueries({ type: "active" }))}>Try again</button>
    </div>
  );
}

export function Skeleton({ rows = 3, className = "h-5" }: { rows?: number; className?: string }) {
  return (
    <div aria-busy="true" className="grid gap-3">
      <span className="sr-only">Loading …</span>
      {Array.from({ length: rows }, (_, row) => <div key={row} className={`pulse rounded bg-surface-2 ${className}`} />)}
    </div>
  );
}

/** What a query came to: loading, failed, or there. What was there before stays under the failure. */
export function Loaded<T>({ of, children, rows }: { of: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown }; children: (data: T) => ReactNode; rows?: number }) {
  return (
    <>
      {of.error !== null && <div className="mb-3"><ErrorPanel error={of.error} retry={() => void of.refetch()} /></div>}
      {of.data !== undefined ? children(of.data) : of.error === null && <Skeleton rows={rows ?? 3} />}
    </>
  );
}

export function PageHead({ title, children, lead, before }: { title: ReactNode; children?: ReactNode; lead?: ReactNode; before?: ReactNode }) {
  return (
    <div className="mb-4 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {before}
        <h1 tabIndex={-1} className="text-xl font-semibold">{title}</h1>
        {lead && <div className="mt-1 text-muted">{lead}</div>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  );
}

/** A native modal dialog; focus goes back to where it came from. */
export function Dialog({ open, onClose, title, children, wide = false }: { open: boolean; onClose: () => void; title: string; children: ReactNode; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (open && dialog && !dialog.open) dialog.showModal();
    if (!open && dialog?.open) dialog.close();
  }, [open]);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={onClose} onClick={(event) => event.target === ref.current && ref.current.close()}
      className={`m-auto max-h-[90vh] w-[calc(100vw-32px)] overflow-auto rounded-xl border border-line bg-surface p-0 shadow-2xl ${wide ? "max-w-3xl" : "max-w-lg"}`}>
      {open && (
        <div className="p-5">
          <h2 id={id} className="mb-3 text-lg font-semibold">{title}</h2>
          {children}
        </div>
      )}
    </dialog>
  );
}

interface Asked {
  title: string;
  children?: ReactNode;
  confirm: string;
  danger?: boolean;
  /** Ask for a reason; with a number it must have so many characters. */
  reason?: number | undefined;
  /** This has to be typed first. */
  typed?: string | undefined;
  run: (reason: string) => Promise<unknown>;
}

/** A question before something is done; it closes on success and keeps what was typed on failure. */
export function Confirm({ asked, onClose }: { asked: Asked | null; onClose: () => void }) {
  return (
    <Dialog open={asked !== null} onClose={onClose} title={asked?.title ?? ""}>
      {asked && <ConfirmForm asked={asked} onClose={onClose} />}
    </Dialog>
  );
}
export type { Asked };

function ConfirmForm({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const running = useRef(false);
  const required = (asked.reason ?? 0) > 0;
  const ready = asked.typed === undefined || typed.trim().toLowerCase() === asked.typed.toLowerCase();
  async function go() {
    if (running.current) return; // a double click asks once
    running.current = true;
    setBusy(true);
    setError(null);
    try {
      await asked.run(reason.trim());
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }
  return (
    <form onSubmit={(event) => { event.preventDefault(); void go(); }} className="grid gap-4">
      <div>{asked.children}</div>
      {asked.reason !== undefined && (
        <Field label={required ? "Reason" : "Reason (optional)"} hint={required ? `At least ${asked.reason} characters; it is kept in the audit trail.` : undefined}>
          {(props) => <textarea {...props} className="control w-full" rows={3} required={required} minLength={asked.reason} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />}
        </Field>
      )}
      {asked.typed !== undefined && (
        <Field label={`Type “${asked.typed}” to confirm`}>
          {(props) => <input {...props} className="control w-full" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />}
        </Field>
      )}
      {error !== null && <ErrorPanel error={error} retry={() => void go()} />}
      <div className="flex justify-end gap-2">
        <button type="button" className="btn" onClick={onClose}>Not now</button>
        <button type="submit" className={`btn ${asked.danger ? "btn-danger" : "btn-primary"}`} disabled={busy || !ready}>{busy && <Icon name="spinner" className="spin" />}{asked.confirm}</button>
      </div>
    </form>
  );
}

type Wired = Pick<ComponentProps<"input">, "id" | "aria-describedby"> & { "aria-invalid"?: boolean };

/** A label, its control, a hint and a mistake, linked to each other. */
export function Field({ label, hint, error, children }: { label: ReactNode; hint?: ReactNode; error?: string | undefined; children: (props: Wired) => ReactNode }) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="text-sm font-medium">{label}</label>
      {children({ id, ...(described ? { "aria-describedby": described } : {}), ...(error ? { "aria-invalid": true } : {}) })}
      {hint && <p id={`${id}-hint`} className="label">{hint}</p>}
      {error && <p id={`${id}-error`} className="text-xs font-medium text-err">{error}</p>}
    </div>
  );
}

// -- said to everybody, screen readers included --------------------------------------------------

interface Said { id: number; text: string; tone: Tone }
let said: Said[] = [];
let nextId = 1;
const hearers = new Set<() => void>();

export function say(text: string, tone: Tone = "ok"): void {
  const one = { id: nextId++, text, tone };
  said = [...said.slice(-2), one];
  for (const notify of hearers) notify();
  window.setTimeout(() => {
    said = said.filter(({ id }) => id !== one.id);
    for (const notify of hearers) notify();
  }, tone === "err" ? 10_000 : 5_000);
}

export function Said() {
  const shown = useSyncExternalStore((notify) => (hearers.add(notify), () => hearers.delete(notify)), () => said);
  const line = ({ id, text, tone }: Said) => (
    <div key={id} className={`flex items-center gap-2 rounded-lg border px-3 py-2 shadow-lg ${tone === "err" ? "border-err bg-err-tint text-err" : "border-line bg-surface text-text"}`}>
      <Icon name={tone === "err" ? "warning" : "check"} />{text}
    </div>
  );
  return (
    <div className="pointer-events-none fixed inset-x-4 bottom-20 z-50 grid justify-items-center gap-2 md:bottom-4">
      <div role="status" aria-live="polite">{shown.filter(({ tone }) => tone !== "err").map(line)}</div>
      <div role="alert" aria-live="assertive">{shown.filter(({ tone }) => tone === "err").map(line)}</div>
    </div>
  );
}

/** Says something to screen readers only, a moment after it last changed, and never at first. */
export function Announce({ text }: { text: string }) {
  const [shown, setShown] = useState("");
  const first = useRef(text);
  useEffect(() => {
    if (text === first.current) return;
    first.current = "\0";
    const timer = window.setTimeout(() => setShown(text), 250);
    return () => window.clearTimeout(timer);
  }, [text]);
  return <span role="status" className="sr-only">{shown}</span>;
}

export function Copy({ text, label }: { text: string; label: string }) {
  return (
    <button type="button" className="btn btn-quiet min-h-6 px-1 py-0 text-muted" title={label} aria-label={label}
      onClick={() => void navigator.clipboard.writeText(text).then(() => say("Copied"), () => say("Could not copy", "err"))}>
      <Icon name="copy" size={14} />
    </button>
  );
}

export function problemText(error: unknown): string {
  return error instanceof Problem ? error.detail || error.title : error instanceof Error ? error.message : String(error);
}

export function useTitle(title: string): void {
  useEffect(() => { document.title = `${title} · Mend`; }, [title]);
}

/** Facts as a two-column list. */
export function Facts({ of }: { of: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[minmax(96px,auto)_1fr] gap-x-4 gap-y-1.5">
      {of.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="label pt-0.5">{name}</dt>
          <dd className="min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
