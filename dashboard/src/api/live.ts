/** Keeps what is shown fresh: pushed pokes where there are some, polling otherwise. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { call, lastResponseMs, Problem } from "./client";
import { has } from "./queries";

export type LiveState = "live" | "polling" | "reconnecting" | "paused" | "offline";

interface Negotiated { url: string; protocol: string; expires_in: number }
interface Frame { type?: string; event?: string; data?: { kind?: string; id?: string } }

const POLL_FOCUSED = 5_000, POLL_OTHERWISE = 30_000, SAFETY_NET = 60_000, COALESCE = 250;
const BACKOFF_FIRST = 1_000, BACKOFF_MOST = 30_000, BEFORE_EXPIRY = 60_000;

/** So that not all browsers ask at once. The same all the time: another interval starts a new wait. */
const JITTER = 0.9 + Math.random() * 0.2;

let state: LiveState = "polling";
let paused = false;
let client: QueryClient | undefined;
let socket: WebSocket | undefined;
let failures = 0;
let timer: number | undefined;
let poked = new Set<string>();
let pokeTimer: number | undefined;
let connectOnReturn = false;
const listeners = new Set<() => void>();

export function useLive(): LiveState {
  return useSyncExternalStore((notify) => (listeners.add(notify), () => listeners.delete(notify)), () => state);
}

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const notify of listeners) notify();
  // What waits for its next turn learns of the new interval now, not after that turn.
  for (const query of client?.getQueryCache().getAll() ?? []) {
    for (const observer of query.observers) observer.setOptions(observer.options);
  }
}

/** How long until the same question is asked again, in milliseconds. */
export function interval(): number | false {
  if (state === "paused" || state === "offline") return false;
  if (state === "live") return SAFETY_NET;
  const usual = document.hasFocus() ? POLL_FOCUSED : POLL_OTHERWISE;
  return Math.max(usual, 2 * Math.round(lastResponseMs() / 1_000) * 1_000) * JITTER;
}

export function setPaused(yes: boolean): void {
  paused = yes;
  if (yes) {
    close();
    become("paused");
  } else {
    become("polling");
    void client?.invalidateQueries();
    void connect();
  }
}

export function start(queries: QueryClient): void {
  client = queries;
  addEventListener("offline", () => { close(); become("offline"); });
  addEventListener("online", () => {
    if (paused) return become("paused");
    become("polling");
    void queries.invalidateQueries();
    void connect();
  });
  if (!navigator.onLine) return become("offline");
  void connect();
}

function close(): void {
  window.clearTimeout(timer);
  const old = socket;
  socket = undefined;
  old?.close();
}

async function connect(): Promise<void> {
  window.clearTimeout(timer);
  if (!has("/v1/negotiate") || paused || !navigator.onLine) return;
  if (document.hidden) {
    connectOnReturn = true; // nobody looks: not even the live connection is renewed
    return;
  }
  let given: Negotiated;
  try {
    given = await call<Negotiated>("POST", "v1/negotiate");
  } catch (error) {
    if (!(error instanceof Problem && error.status === 404)) again(true);
    return;
  }
  close();
  const opened = new WebSocket(given.url, given.protocol);
  socket = opened;
  opened.onopen = () => {
    const was = failures;
    failures = 0;
    if (paused) return;
    become("live");
    if (was > 0) void client?.invalidateQueries();
    // A new address in good time; the old connection goes only when the new one is there.
    timer = window.setTimeout(() => void connect(), Math.max(given.expires_in * 1_000 - BEFORE_EXPIRY, 10_000));
  };
  opened.onmessage = (message: MessageEvent<string>) => {
    try {
      const frame = JSON.parse(message.data) as Frame;
      if (frame.type === "message") poke(frame.data?.id ?? "");
    } catch {
      // Not for us.
    }
  };
  opened.onclose = () => { if (socket === opened) again(false); };
}

function again(negotiating: boolean): void {
  socket = undefined;
  if (paused || !navigator.onLine) return;
  failures += 1;
  become(negotiating || failures > 1 ? "polling" : "reconnecting");
  if (failures === 1 && !document.hidden) void client?.invalidateQueries();
  const wait = Math.min(BACKOFF_FIRST * 2 ** (failures - 1), BACKOFF_MOST);
  timer = window.setTimeout(() => void connect(), wait * (0.8 + Math.random() * 0.4));
}

/** Ask again for what the poke is about, once for many of them. */
function poke(id: string): void {
  poked.add(id);
  if (document.hidden || pokeTimer !== undefined) return;
  pokeTimer = window.setTimeout(refetch, COALESCE);
}

function refetch(): void {
  pokeTimer = undefined;
  const ids = poked;
  poked = new Set();
  if (paused || ids.size === 0) return;
  void client?.invalidateQueries({
    predicate: ({ queryKey: [kind, id] }) => (kind === "ticket" || kind === "events" ? ids.has(String(id)) : kind !== "static"),
  }, { cancelRefetch: false }); // who comes back to the page has asked already
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (connectOnReturn) {
    connectOnReturn = false;
    void connect();
  }
  if (poked.size > 0) refetch();
});
