/** Stands before the pages where people sign in; loaded only there. */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { escortedBy } from "../api/client";
import { config } from "../api/config";
import { start } from "../api/live";
import { useMe } from "../api/me";
import { begin, escort, provider, useSession } from "./session";

const loadPages = () => import("./pages");
const Over = lazy(async () => ({ default: (await loadPages()).Over }));
const Elsewhere = lazy(async () => ({ default: (await loadPages()).Elsewhere }));

const LATER_MS = 1_500;

/** Find out who is here, before anything is asked of the API. */
export async function open(): Promise<void> {
  escortedBy(escort);
  await begin(await config);
}

export function Gate({ children }: { children: ReactNode }) {
  const session = useSession(), me = useMe();
  const inside = (session.is === "in" || session.is === "over") && me !== null && me.roles.length > 0;
  return (
    <>
      {inside && <Inside over={session.is === "over"}>{children}</Inside>}
      <Suspense>
        {session.is === "over" && <Over why={session.why} />}
        {!inside && <Elsewhere session={session} />}
      </Suspense>
    </>
  );
}

/** The pages as they are; after a break they ask for everything once more. */
function Inside({ over, children }: { over: boolean; children: ReactNode }) {
  const queries = useQueryClient();
  const started = useRef(false), broke = useRef(false);
  useEffect(() => {
    if (over) broke.current = true;
    else if (!started.current) { started.current = true; start(queries); window.setTimeout(prepare, LATER_MS); }
    else if (broke.current) { broke.current = false; void queries.invalidateQueries(); }
  }, [over, queries]);
  return children;
}

/** What will be needed when the token ends is here by then, whatever becomes of the server meanwhile. */
function prepare(): void {
  provider().catch(() => undefined); // it is tried again when it is needed
  loadPages().catch(() => undefined);
}
