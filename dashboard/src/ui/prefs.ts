/** What this person prefers, kept in this browser. */
import { useSyncExternalStore } from "react";

export interface Prefs {
  theme: "auto" | "light" | "dark";
  time: "relative" | "local" | "utc";
  dense: boolean;
  cards: boolean;
  shortcuts: boolean;
  views: { name: string; search: string }[];
}

const KEY = "mend.prefs";
const AT_FIRST: Prefs = { theme: "auto", time: "relative", dense: false, cards: false, shortcuts: true, views: [] };
const listeners = new Set<() => void>();

function read(): Prefs {
  try {
    return { ...AT_FIRST, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>) };
  } catch {
    return AT_FIRST;
  }
}

let prefs = read();

export function applyTheme(): void {
  const root = document.documentElement;
  if (prefs.theme === "auto") delete root.dataset["theme"];
  else root.dataset["theme"] = prefs.theme;
}

export function setPrefs(changes: Partial<Prefs>): void {
  prefs = { ...prefs, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // Private browsing: it holds until the page is left.
  }
  applyTheme();
  for (const notify of listeners) notify();
}

export function usePrefs(): Prefs {
  return useSyncExternalStore((notify) => (listeners.add(notify), () => listeners.delete(notify)), () => prefs);
}

export const currentPrefs = (): Prefs => prefs;
