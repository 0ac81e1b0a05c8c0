/** What surrounds every page: where you are, whether it is live, and the way elsewhere. */
import { useIsFetching, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { type LiveState, setPaused, useLive } from "./api/live";
import { useMe } from "./api/me";
import { approvalsQuery, facetsQuery, killSwitchQuery, modeQuery } from "./api/queries";
import { Icon, type IconName } from "./ui/icons";
import { Badge, Said, Skeleton } from "./ui/kit";
import { applyTheme, setPrefs, usePrefs } from "./ui/prefs";
import type { Tone } from "./words";

const loadPalette = () => import("./ui/palette");
const Palette = lazy(loadPalette);
const Person = lazy(() => import("./sign-in/person"));

export interface Place { to: string; label: string; icon: IconName; key?: string }
export const PLACES: Place[] = [
  { to: "/", label: "Home", icon: "home", key: "h" },
  { to: "/tickets", label: "Tickets", icon: "tickets", key: "t" },
  { to: "/approvals", label: "Approvals", icon: "approvals", key: "a" },
  { to: "/metrics", label: "Metrics", icon: "chart", key: "m" },
  { to: "/signatures", label: "Signatures", icon: "signature", key: "s" },
  { to: "/intake", label: "Intake", icon: "inbox", key: "i" },
  { to: "/audit", label: "Audit", icon: "audit", key: "u" },
  { to: "/settings", label: "Settings", icon: "settings", key: "p" },
];
export const LATER: Place[] = [
  { to: "/runbooks", label: "Runbooks", icon: "book" },
  { to: "/executions", label: "Executions", icon: "play" },
  { to: "/connectors", label: "Connectors", icon: "plug" },
];
export const MORE: Place[] = [
  { to: "/tickets/new", label: "New ticket", icon: "plus", key: "n" },
  { to: "/tickets/upload", label: "Upload CSV", icon: "upload" },
];

const LIVE: Record<LiveState, { label: string; tone: Tone; icon: IconName; says: string }> = {
  live: { label: "Live", tone: "ok", icon: "check", says: "Changes arrive at once." },
  polling: { label: "Polling", tone: "info", icon: "clock", says: "Changes arrive within a few seconds." },
  reconnecting: { label: "Reconnecting", tone: "warn", icon: "spinner", says: "The live connection is gone and is being made again." },
  paused: { label: "Paused", tone: "idle", icon: "pause", says: "Nothing changes until you go on." },
  offline: { label: "Offline", tone: "err", icon: "cross", says: "This browser has no network. What you see may be old." },
};

export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [palette, setPalette] = useState<"commands" | "shortcuts" | null>(null);
  const opener = useRef<Element | null>(null);
  const open = (what: "commands" | "shortcuts") => { opener.current ??= document.activeElement; setPalette(what); };
  const close = () => {
    setPalette(null);
    if (opener.current instanceof HTMLElement) opener.current.focus();
    opener.current = null;
  };
  useEffect(() => {
    applyTheme();
    // Whoever presses Ctrl K types on at once.
    const timer = window.setTimeout(() => void loadPalette(), 4_000);
    const onKey = (event: KeyboardEvent) => { if (event.key === "Control" || event.key === "Meta") void loadPalette(); };
    addEventListener("keydown", onKey);
    return () => { window.clearTimeout(timer); removeEventListener("keydown", onKey); };
  }, []);
  useFocusOnPage(path);
  useShortcuts(open);
  const live = useLive();
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[208px_minmax(0,1fr)]">
      <a href="#main" className="btn btn-primary fixed top-2 left-2 z-50 -translate-y-20 focus:translate-y-0">Skip to content</a>
      <SideNav />
      <div className="flex min-w-0 flex-col pb-16 md:pb-0">
        <TopBar onSearch={() => open("commands")} onHelp={() => open("shortcuts")} />
        {live === "offline" && <p role="status" className="flex items-center gap-2 border-b border-err bg-err-tint px-4 py-2 text-err"><Icon name="warning" />{LIVE.offline.says}</p>}
        <KillSwitchBar />
        <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[1360px] flex-1 p-4 outline-none md:p-5">
          <Suspense fallback={<Skeleton rows={6} className="h-12" />}><Outlet /></Suspense>
        </main>
      </div>
      <BottomNav />
      <Said />
      <Fetching />
      {palette && <Suspense><Palette what={palette} onClose={close} /></Suspense>}
    </div>
  );
}

/** Says to whoever watches the page from outside whether questions are still open. */
function Fetching() {
  return <span hidden data-fetching={useIsFetching()} />;
}

/** After a change of page the heading has the focus, so that a screen reader says where we are. */
function useFocusOnPage(path: string): void {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) { first.current = false; return; }
    const timer = window.setTimeout(() => {
      if (!document.querySelector("dialog[open]")) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    }, 60);
    return () => window.clearTimeout(timer);
  }, [path]);
}

export const isTyping = (event: KeyboardEvent): boolean =>
  event.target instanceof HTMLElement && (event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && (event.target as HTMLInputElement).type !== "checkbox");

function useShortcuts(open: (what: "commands" | "shortcuts") => void): void {
  const navigate = useNavigate();
  const { shortcuts } = usePrefs();
  const goes = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open("commands"); return; }
      if (!shortcuts || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]")) return;
      if (event.key === "?") { event.preventDefault(); open("shortcuts"); }
      else if (event.key === "g") goes.current = Date.now();
      else if (Date.now() - goes.current < 1_200) {
        goes.current = 0;
        const place = [...PLACES, ...MORE].find(({ key }) => key === event.key);
        if (place) { event.preventDefault(); void navigate({ to: place.to }); }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
}

function useWaiting(): number {
  const facets = useQuery(facetsQuery({}));
  const approvals = useQuery(approvalsQuery("pending"));
  return approvals.data?.items.length ?? facets.data?.status["awaiting_approval"] ?? 0;
}

/** Tickets keep the filters they were left with. */
function useLastSearch(): Record<string, string> {
  const here = useRouterState({ select: ({ location }) => (location.pathname === "/tickets" ? location.search : null) });
  const last = useRef<Record<string, string>>({});
  if (here) last.current = here as Record<string, string>;
  return last.current;
}

function NavLink({ place, waiting, search }: { place: Place; waiting?: number; search?: Record<string, string> }) {
  return (
    <Link to={place.to} search={(search ?? {}) as never} activeOptions={{ exact: place.to === "/", includeSearch: false }}
      className="flex min-h-9 items-center gap-2.5 rounded-md px-2.5 py-1.5 text-text no-underline hover:bg-surface-2 data-[status=active]:bg-accent-soft data-[status=active]:font-semibold data-[status=active]:text-accent">
      <Icon name={place.icon} />{place.label}
      {!!waiting && <span className="badge ml-auto bg-hold-tint px-1.5 text-hold">{waiting}<span className="sr-only"> waiting</span></span>}
    </Link>
  );
}

function SideNav() {
  const waiting = useWaiting(), search = useLastSearch();
  return (
    <nav aria-label="Main" className="sticky top-0 hidden h-dvh flex-col gap-0.5 overflow-y-auto border-r border-line bg-surface p-3 md:flex">
      <Link to="/" className="mb-3 flex items-center gap-2 px-2 py-1 text-base font-semibold text-text no-underline">
        <img src="/favicon.svg" alt="" width="24" height="24" />Mend
      </Link>
      <Link to="/tickets/new" className="btn btn-primary mb-3"><Icon name="plus" />New ticket</Link>
      {PLACES.map((place) => (
        <NavLink key={place.to} place={place} {...(place.to === "/approvals" ? { waiting } : {})} {...(place.to === "/tickets" ? { search } : {})} />
      ))}
      <p className="label mt-4 mb-1 px-2.5">Later</p>
      {LATER.map((place) => <NavLink key={place.to} place={place} />)}
    </nav>
  );
}

function BottomNav() {
  const waiting = useWaiting(), search = useLastSearch();
  const rest = [...PLACES.slice(3), ...MORE, ...LATER];
  const path = useRouterState({ select: (state) => state.location.pathname });
  const more = useRef<HTMLDetailsElement>(null);
  useEffect(() => { if (more.current) more.current.open = false; }, [path]);
  return (
    <nav aria-label="Main, small screens" className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-4 border-t border-line bg-surface md:hidden">
      {PLACES.slice(0, 3).map(({ to, label, icon }) => (
        <Link key={to} to={to} search={(to === "/tickets" ? search : {}) as never} activeOptions={{ exact: to === "/", includeSearch: false }}
          className="relative grid min-h-14 place-items-center content-center gap-0.5 text-xs text-muted no-underline data-[status=active]:font-semibold data-[status=active]:text-accent">
          <Icon name={icon} size={20} />{label}
          {to === "/approvals" && waiting > 0 && <span className="badge absolute top-1 right-4 bg-hold-tint px-1.5 text-hold">{waiting}</span>}
        </Link>
      ))}
      <details ref={more} className="group">
        <summary className="grid min-h-14 place-items-center content-center gap-0.5 text-xs text-muted"><Icon name="menu" size={20} />More</summary>
        <div className="fixed inset-x-0 bottom-14 grid max-h-[70vh] grid-cols-2 gap-1 overflow-auto border-t border-line bg-surface p-3">
          {rest.map((place) => <NavLink key={place.to} place={place} />)}
        </div>
      </details>
    </nav>
  );
}

function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const { theme, time } = usePrefs();
  const me = useMe();
  const mode = useQuery(modeQuery);
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <header className="sticky top-0 z-20 flex min-h-12 items-center gap-1.5 border-b border-line bg-surface px-3 md:gap-2 md:px-5">
      <Link to="/" className="md:hidden"><img src="/favicon.svg" alt="Mend, home" width="24" height="24" /></Link>
      <button type="button" onClick={onSearch} className="btn mr-auto justify-start text-muted sm:min-w-56">
        <Icon name="search" /><span className="sr-only sm:not-sr-only">Search or go to …</span><kbd className="ml-auto hidden rounded border border-line px-1.5 text-xs sm:inline" aria-hidden="true">Ctrl K</kbd>
      </button>
      <LiveBadge />
      <Link to="/settings" className="flex min-h-6 min-w-16 items-center justify-end no-underline" title="How Mend decides: change it in the settings" aria-label={mode.data ? undefined : "Mode"}>
        {mode.data && <Badge tone={mode.data.mode === "auto" ? "info" : "hold"} icon={mode.data.mode === "auto" ? "robot" : "person"}>{mode.data.mode === "auto" ? "Auto" : "HIL"}</Badge>}
      </Link>
      <label className="hidden lg:block"><span className="sr-only">How times are shown</span>
        <select className="control py-1 text-xs" value={time} onChange={(event) => setPrefs({ time: event.target.value as typeof time })}>
          <option value="relative">Relative</option><option value="local">Local time</option><option value="utc">UTC</option>
        </select>
      </label>
      <button type="button" className="btn btn-quiet px-2" aria-label={`Switch to ${dark ? "light" : "dark"} theme`} title="Theme" onClick={() => setPrefs({ theme: dark ? "light" : "dark" })}>
        <Icon name={dark ? "sun" : "moon"} />
      </button>
      <button type="button" className="btn btn-quiet hidden px-2 md:inline-flex" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onHelp}><Icon name="keyboard" /></button>
      {me && <Suspense><Person me={me} /></Suspense>}
    </header>
  );
}

function LiveBadge() {
  const live = useLive();
  const { label, tone, icon, says } = LIVE[live];
  return (
    <details className="relative">
      <summary className="flex min-h-6 items-center rounded-full" title={says} data-live={live}><Badge tone={tone} icon={icon} busy={live === "reconnecting"}>{label}</Badge></summary>
      <div className="absolute right-0 z-30 mt-2 grid w-64 gap-2 rounded-lg border border-line bg-surface p-3 shadow-lg">
        <p>{says}</p>
        {live !== "offline" && <button type="button" className="btn" onClick={() => setPaused(live !== "paused")}>{live === "paused" ? "Go on" : "Pause updates"}</button>}
      </div>
    </details>
  );
}

function KillSwitchBar() {
  const { data } = useQuery(killSwitchQuery);
  const narrow = (data as { others?: { scope: string }[] } | undefined)?.others ?? [];
  if (data && !data.on && narrow.length > 0) {
    return <p role="status" className="flex flex-wrap items-center gap-2 border-b border-warn bg-warn-tint px-4 py-1.5 text-warn md:px-5"><Icon name="stop" />Stopped: {narrow.map(({ scope }) => scope).join(", ")}. <Link to="/settings" className="text-warn">Settings</Link></p>;
  }
  if (!data?.on) return null;
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 border-b border-err bg-err-tint px-4 py-2 text-err md:px-5">
      <Icon name="stop" /><strong>Kill switch is on:</strong> nothing is sent. {data.reason && <span className="text-text">{data.reason}</span>}
      <Link to="/settings" className="text-err">Settings</Link>
    </p>
  );
}
