/** Whether somebody is signed in, and the ways in and out. Pages ask here; only this has the tokens. */
import { useSyncExternalStore } from "react";
import { call, Problem, type Send } from "../api/client";
import type { Config } from "../api/config";
import { type Me, setMe } from "../api/me";
import type { Provider } from "./provider";
import { type Journey, keep, kept, ownPlace, PATH, Refused, type Tokens } from "./tokens";

export type State =
  | { is: "starting" }
  /** Nobody is signed in, and there is nothing to keep. */
  | { is: "out"; why: string }
  | { is: "in" }
  /** The sign-in is over; the page waits beneath with all that was typed. */
  | { is: "over"; why: string }
  /** It cannot be told whether anybody is: something does not answer. */
  | { is: "unknown"; why: string };

type News = { kind: "in"; tokens: Tokens } | { kind: "taken" } | { kind: "out" };

const SOON_SECONDS = 60, ANSWER_MS = 1_000;
/** Not a token: that somebody has signed in with this browser, so that a new tab leads there by itself. */
const HINT = "mend.signs-in";

let state: State = { is: "starting" };
let given: Config;
let loading: Promise<Provider> | undefined;
let tokens: Tokens | undefined;
/** Whose page this is. */
let owner = "";
let renewing: Promise<void> | undefined;
const listeners = new Set<() => void>();
const others = new BroadcastChannel("mend.sign-in"); // pages of this origin, and nobody else

export const useSession = (): State => useSyncExternalStore((notify) => (listeners.add(notify), () => listeners.delete(notify)), () => state);

function become(next: State): void {
  state = next;
  for (const notify of listeners) notify();
}

/** The library is fetched when it is needed first; whoever stays has it before the token ends. */
export function provider(): Promise<Provider> {
  loading ??= import("./provider").then(({ Provider: Found }) => new Found(given));
  loading.catch(() => { loading = undefined; }); // tried anew next time
  return loading;
}

/** Find out who is here: somebody comes back from the provider, has tokens, or has neither. */
export async function begin(config: Config): Promise<void> {
  given = config;
  others.onmessage = ({ data: news }: MessageEvent<News>) => hear(news);
  if (location.pathname === PATH) {
    if (location.search === "?beside") return leave({ to: "/", beside: true });
    if (location.hash.length > 1) return arrive(location.href);
  }
  const left = location.pathname === PATH; // back from signing out
  if (left) history.replaceState(null, "", "/");
  tokens = kept();
  if (tokens) return learn();
  if (remembered()) return signIn();
  become({ is: "out", why: left ? "You are signed out." : "" });
}

/** Go to the provider and come back to this very place. */
export const signIn = (): Promise<void> => leave({ to: location.href.slice(location.origin.length), beside: false });

/** Sign in beside the page, which stays as it is; `false`: no window may be opened. */
export const signInBeside = (): boolean => window.open(`${PATH}?beside`, "_blank", "popup,width=520,height=680") !== null;

export async function signOut(): Promise<void> {
  forget("You are signed out.");
  others.postMessage({ kind: "out" } satisfies News);
  try {
    location.replace(await (await provider()).wayOut());
  } catch {
    become({ is: "out", why: "You are signed out here. The identity provider does not answer: you may still be signed in there." });
  }
}

/** Ask once more who this is; a role given meanwhile is in a new token. */
export async function lookAgain(): Promise<void> {
  try {
    if (tokens) await renew(tokens.access_token);
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // a refusal is told already, and of anything else `learn` tells
  }
  if (tokens) await learn();
}

/** Every request goes through here: with the token, which is renewed in time, or once when it is refused. */
export async function escort(request: Request, send: Send): Promise<Response> {
  await inTime();
  const used = shown(), again = request.clone();
  const answer = await send(bearing(request, used));
  if (answer.status !== 401) return answer;
  await renew(used);
  const second = await send(bearing(again, shown()));
  if (second.status === 401) lose("Mend does not accept this sign-in any more.");
  return second;
}

function bearing(request: Request, token: string): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

function shown(): string {
  if (!tokens) throw signedOut();
  return tokens.access_token;
}

async function inTime(): Promise<void> {
  if (!tokens || !endsSoon(tokens)) return;
  try {
    await renew(tokens.access_token);
  } catch (error) {
    // While the provider is away the old token is shown: the API knows whether it is still good.
    if (error instanceof Problem && error.status === 401) throw error;
  }
}

/** One renewal for all who find `used` too old. */
function renew(used: string): Promise<void> {
  if (tokens && tokens.access_token !== used) return Promise.resolve();
  renewing ??= renewed().finally(() => { renewing = undefined; });
  return renewing;
}

async function renewed(): Promise<void> {
  if (!tokens) throw signedOut();
  let fresh: Tokens;
  try {
    fresh = await (await provider()).renew(tokens);
  } catch (error) {
    if (error instanceof Refused) {
      lose("Your sign-in has ended.");
      throw signedOut();
    }
    throw new Problem(0, "offline", "Sign-in not renewed", "The identity provider does not answer. It is tried again; nothing is lost.");
  }
  if (!tokens) throw signedOut(); // somebody signed out meanwhile
  take(fresh);
  if (state.is === "in" && !endsSoon(fresh)) void learn();
}

const endsSoon = ({ expires_at }: Tokens): boolean => expires_at - Date.now() / 1_000 < SOON_SECONDS;

const signedOut = (): Problem => new Problem(401, "signed-out", "Signed out", "Sign in again; what you typed is still here.");

function take(found: Tokens): void {
  tokens = found;
  keep(found);
}

function drop(): void {
  tokens = undefined;
  keep(undefined);
}

/** Somebody left on purpose: nothing of theirs stays to be seen, drafts included. */
function forget(why: string): void {
  tokens = undefined;
  sessionStorage.clear();
  remember(false);
  become({ is: "out", why });
}

/** The sign-in is over, and nobody meant it: the page stays. */
function lose(why: string): void {
  drop();
  become(state.is === "in" || state.is === "over" ? { is: "over", why } : { is: "out", why });
}

/** Learn from the API who this is and what they may do. */
async function learn(): Promise<void> {
  let me: Me;
  try {
    me = await call<Me>("GET", "v1/me");
  } catch (error) {
    if (state.is === "in" || !tokens) return; // who is in stays in, and who has lost the tokens was told
    return become({ is: state.is === "over" ? "over" : "unknown", why: error instanceof Problem ? error.detail || error.title : String(error) });
  }
  owner = tokens?.subject ?? "";
  setMe(me);
  remember(true);
  become({ is: "in" });
}

async function leave(journey: Journey): Promise<void> {
  let address: string;
  try {
    address = await (await provider()).wayIn(journey);
  } catch {
    remember(false);
    return become({ is: state.is === "over" ? "over" : "out", why: "The identity provider does not answer. Try again in a minute." });
  }
  location.replace(address);
}

async function arrive(address: string): Promise<void> {
  history.replaceState(null, "", PATH); // at once: the code is nobody else's business
  let journey: Journey;
  try {
    const found = await (await provider()).redeem(address);
    take(found.tokens);
    journey = found.journey;
  } catch (error) {
    remember(false);
    history.replaceState(null, "", ownPlace((error as { cause?: Partial<Journey> }).cause?.to));
    return become({ is: "out", why: error instanceof Refused ? `The identity provider says: ${error.message}` : "Signing in did not work. Try again." });
  }
  if (journey.beside && (await isTaken())) {
    drop();
    window.close();
    return become({ is: "out", why: "You are signed in. This window may be closed." });
  }
  history.replaceState(null, "", ownPlace(journey.to));
  await learn();
}

/** Hand the tokens to the page that waits, and tell whether one does. */
function isTaken(): Promise<boolean> {
  return new Promise((resolve) => {
    if (!tokens) return resolve(false);
    const timer = window.setTimeout(() => resolve(false), ANSWER_MS);
    const before = others.onmessage;
    others.onmessage = ({ data: news }: MessageEvent<News>) => {
      if (news.kind !== "taken") return;
      window.clearTimeout(timer);
      others.onmessage = before;
      resolve(true);
    };
    others.postMessage({ kind: "in", tokens } satisfies News);
  });
}

function hear(news: News): void {
  if (news.kind === "out" && state.is !== "out") forget("You signed out in another tab.");
  if (news.kind !== "in" || state.is !== "over") return;
  const isSomebodyElse = owner !== news.tokens.subject;
  if (isSomebodyElse) sessionStorage.clear(); // what was typed belongs to who typed it
  take(news.tokens);
  others.postMessage({ kind: "taken" } satisfies News);
  if (isSomebodyElse) location.reload();
  else void learn();
}

function remember(yes: boolean): void {
  try {
    if (yes) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // Private browsing: a new tab asks with a button.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(HINT) === "1";
  } catch {
    return false;
  }
}
