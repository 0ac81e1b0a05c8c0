/**
 * Where tokens are kept, and what a page says of itself when somebody leaves it to sign in.
 *
 * They are in sessionStorage: this tab has them, a reload keeps them, and they go with the tab. In memory
 * alone every reload would lead through the provider; localStorage would outlive whoever sat here.
 */

export interface Tokens {
  access_token: string;
  refresh_token: string;
  /** Seconds since 1970. */
  expires_at: number;
  /** Who they belong to, as the provider calls them. */
  subject: string;
}

/** What is remembered while somebody is away at the provider; it never leaves this tab. */
export interface Journey {
  /** Where they wanted to go. */
  to: string;
  /** In a window of its own, beside a page that waits. */
  beside: boolean;
}

/** The provider wants to see the person again; anything else may pass by itself. */
export class Refused extends Error {}

/** Where the provider sends people back to; the app registration has exactly this address. */
export const PATH = "/sign-in";
const KEY = "mend.tokens";

export function kept(): Tokens | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Tokens | null) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keep(tokens: Tokens | undefined): void {
  if (tokens) sessionStorage.setItem(KEY, JSON.stringify(tokens));
  else sessionStorage.removeItem(KEY);
}

/** A place in these pages, whatever was asked for: nobody is led elsewhere after signing in. */
export function ownPlace(wanted: unknown): string {
  if (typeof wanted !== "string" || !URL.canParse(wanted, location.origin)) return "/";
  const { origin, pathname, search, hash } = new URL(wanted, location.origin);
  return origin === location.origin && pathname !== PATH && !pathname.startsWith("//") ? `${pathname}${search}${hash}` : "/";
}
