/** Which page is where, and what its address may say. */
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { Filters } from "./api/queries";
import { Shell } from "./shell";

type Raw = Record<string, unknown>;

/** A text of the address; a number that looks like one is a text too. Absent stays absent. */
const text = (raw: Raw, name: string): string | undefined => {
  const value = raw[name];
  return value === undefined || value === null || value === "" ? undefined : String(value);
};
const one = <T extends string>(raw: Raw, name: string, of: readonly T[]): T | undefined => of.find((value) => value === raw[name]);
const compact = <T extends object>(given: T): T => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;

export const FILTER_NAMES = ["status", "severity", "source", "platform", "classification", "from", "to", "q"] as const;
export const SORTS = ["-created_at", "created_at", "-updated_at", "updated_at", "-severity", "severity"] as const;
export interface TicketsSearch extends Filters { sort?: (typeof SORTS)[number]; cursor?: string }

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Shell,
  notFoundComponent: lazyRouteComponent(() => import("./pages/plain"), "NotFound"),
});
const page = { getParentRoute: () => root } as const;

const home = createRoute({ ...page, path: "/", component: lazyRouteComponent(() => import("./pages/home")) });
const tickets = createRoute({
  ...page, path: "/tickets",
  validateSearch: (raw: Raw): TicketsSearch => compact({
    ...(Object.fromEntries(FILTER_NAMES.map((name) => [name, text(raw, name)])) as Filters),
    sort: one(raw, "sort", SORTS), cursor: text(raw, "cursor"),
  } as TicketsSearch),
  component: lazyRouteComponent(() => import("./pages/tickets")),
});
const create = createRoute({ ...page, path: "/tickets/new", component: lazyRouteComponent(() => import("./pages/new-ticket")) });
const upload = createRoute({ ...page, path: "/tickets/upload", component: lazyRouteComponent(() => import("./pages/upload")) });
const TABS = ["overview", "activity", "attempts", "audit", "raw"] as const;
const VIEWS = ["compact", "timeline", "all"] as const;
const ticket = createRoute({
  ...page, path: "/tickets/$id",
  validateSearch: (raw: Raw) => compact({
    tab: one(raw, "tab", TABS), view: one(raw, "view", VIEWS), order: one(raw, "order", ["newest", "oldest"]),
  } as { tab?: (typeof TABS)[number]; view?: (typeof VIEWS)[number]; order?: "newest" | "oldest" }),
  component: lazyRouteComponent(() => import("./pages/ticket")),
});
const approvals = createRoute({
  ...page, path: "/approvals",
  validateSearch: (raw: Raw) => compact({ tab: one(raw, "tab", ["pending", "history"]) } as { tab?: "pending" | "history" }),
  component: lazyRouteComponent(() => import("./pages/approvals")),
});
const metrics = createRoute({
  ...page, path: "/metrics",
  validateSearch: (raw: Raw) => compact({ hours: [24, 168, 720].find((hours) => hours === Number(raw["hours"])) } as { hours?: number }),
  component: lazyRouteComponent(() => import("./pages/metrics")),
});
const signatures = createRoute({ ...page, path: "/signatures", component: lazyRouteComponent(() => import("./pages/signatures")) });
const audit = createRoute({
  ...page, path: "/audit",
  validateSearch: (raw: Raw) => compact({
    subject: text(raw, "subject"), actor: text(raw, "actor"), action: text(raw, "action"), after: Number(raw["after"]) || undefined,
  } as { subject?: string; actor?: string; action?: string; after?: number }),
  component: lazyRouteComponent(() => import("./pages/audit")),
});
const intake = createRoute({ ...page, path: "/intake", component: lazyRouteComponent(() => import("./pages/intake")) });
const SETTINGS_TABS = ["decide", "targets", "connections", "history"] as const;
const settings = createRoute({
  ...page, path: "/settings",
  validateSearch: (raw: Raw) => compact({ tab: one(raw, "tab", SETTINGS_TABS) } as { tab?: (typeof SETTINGS_TABS)[number] }),
  component: lazyRouteComponent(() => import("./pages/settings")),
});
const later = (path: "runbooks" | "executions" | "connectors") =>
  createRoute({ ...page, path: `/${path}`, component: lazyRouteComponent(() => import("./pages/plain"), path) });

export const routeTree = root.addChildren([
  home, tickets, create, upload, ticket, approvals, metrics, signatures, audit, intake, settings,
  later("runbooks"), later("executions"), later("connectors"),
]);
