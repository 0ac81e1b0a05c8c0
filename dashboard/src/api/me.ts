/** Who is signed in, and what their role does not let them do. Where nobody signs in, anybody may do anything. */
import { useSyncExternalStore } from "react";
import type { Schemas } from "./client";

export type Me = Schemas["Me"];
export type Role = Schemas["Role"];

let me: Me | null = null;
const listeners = new Set<() => void>();

export function setMe(now: Me): void {
  me = now;
  for (const notify of listeners) notify();
}

export const useMe = (): Me | null => useSyncExternalStore((notify) => (listeners.add(notify), () => listeners.delete(notify)), () => me);

/** Their roles as people say them: what is included in another one is left out. */
export const rolesOf = ({ roles }: Me): string =>
  (roles.includes("admin") ? "admin" : roles.filter((one) => one !== "viewer" || roles.length === 1).join(", ")) || "no role";

/** Why they may not; `undefined`: they may. The API decides, this only saves people the try. */
export function useWhyNot(role: Role): string | undefined {
  const who = useMe();
  return who === null || who.roles.includes(role) ? undefined : `This needs the role ${role}; yours: ${rolesOf(who)}.`;
}
