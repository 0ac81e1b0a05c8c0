/** Every question the pages ask, with its key. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, asked, call, data } from "./client";
import { interval } from "./live";
import type { ApprovalPage, Stats } from "./types";

const known = typeof __API_PATHS__ === "undefined" ? [] : __API_PATHS__;

/** Whether the API has this path, as far as was known when this was built. */
export const has = (path: string): boolean => known.length === 0 || known.includes(path);

export interface Filters { status?: string; severity?: string; source?: string; platform?: string; classification?: string; from?: string; to?: string; q?: string }

const split = (text?: string): string[] | undefined => (text ? text.split(",") : undefined);

function query(filters: Filters): Record<string, unknown> {
  return {
    status: split(filters.status), severity: split(filters.severity), source: split(filters.source),
    platform: split(filters.platform), classification: split(filters.classification),
    from: filters.from, to: filters.to, q: filters.q,
  };
}

export const ticketsQuery = (filters: Filters, sort?: string, cursor?: string, limit = 50) =>
  queryOptions({
    queryKey: ["tickets", filters, sort ?? "", cursor ?? "", limit],
    queryFn: ({ signal }) => data(api.GET("/v1/tickets", { params: { query: { ...query(filters), sort: sort as never, cursor, limit } as never }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: interval,
  });

export const facetsQuery = (filters: Filters) =>
  queryOptions({
    queryKey: ["facets", filters],
    queryFn: ({ signal }) => data(api.GET("/v1/tickets/facets", { params: { query: query(filters) as never }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: interval,
  });

export const ticketQuery = (id: string) =>
  queryOptions({
    queryKey: ["ticket", id],
    queryFn: ({ signal }) => data(api.GET("/v1/tickets/{ticket_id}", { params: { path: { ticket_id: id } }, signal })),
    refetchInterval: (asked) => (asked.state.data?.closed_at ? interval() && 30_000 : faster()),
  });

export const eventsQuery = (id: string, isOver: boolean) =>
  queryOptions({
    queryKey: ["events", id],
    queryFn: async ({ signal }) => {
      const items = [];
      for (let after = 0; ; ) {
        const page = await data(api.GET("/v1/tickets/{ticket_id}/events", { params: { path: { ticket_id: id }, query: { after, limit: 200 } }, signal }));
        items.push(...page.items);
        if (page.items.length < 200) return items;
        after = page.items.at(-1)?.seq ?? 0;
      }
    },
    refetchInterval: () => (isOver ? interval() && 30_000 : faster()),
  });

/** Somebody looks at one thing that is under way: a little faster than lists. */
function faster(): number | false {
  const usual = interval();
  return usual && Math.min(usual, 2_000);
}

export const statsQuery = (hours: number) =>
  queryOptions({
    queryKey: ["stats", hours],
    queryFn: () => call<Stats>("GET", `v1/dashboard/stats?hours=${hours}`),
    enabled: has("/v1/dashboard/stats"),
    placeholderData: keepPreviousData,
    refetchInterval: () => interval() && 30_000,
  });

export const approvalsQuery = (status: string) =>
  queryOptions({
    queryKey: ["approvals", status],
    queryFn: () => call<ApprovalPage>("GET", `v1/approvals?status=${status}`),
    enabled: has("/v1/approvals"),
    refetchInterval: interval,
  });

export const modeQuery = queryOptions({
  queryKey: ["settings", "mode"],
  queryFn: () => data(api.GET("/v1/settings/execution-mode")),
  refetchInterval: interval,
});

export const killSwitchQuery = queryOptions({
  queryKey: ["settings", "kill-switch"],
  queryFn: () => data(api.GET("/v1/settings/kill-switch")),
  refetchInterval: interval,
});

export const policyQuery = queryOptions({
  queryKey: ["settings", "policy"],
  queryFn: () => data(api.GET("/v1/settings/policy")),
});

export const versionsQuery = queryOptions({
  queryKey: ["settings", "versions"],
  queryFn: () => data(api.GET("/v1/settings/policy/versions")),
});

export const connectionsQuery = queryOptions({
  queryKey: ["settings", "connections"],
  queryFn: () => data(api.GET("/v1/connections")),
});

export const inventoryQuery = queryOptions({
  queryKey: ["settings", "inventory"],
  queryFn: () => data(api.GET("/v1/settings/inventory")),
});

export const readyQuery = queryOptions({
  queryKey: ["ready"],
  queryFn: async () => {
    // 503 is an answer too: it says what is wrong.
    const answer = await asked(new Request(`${location.origin}/api/ready`));
    return (await answer.json()) as { status: string; checks: Record<string, string> };
  },
  refetchInterval: () => interval() && 30_000,
});

export const countsQuery = (hours: number) =>
  queryOptions({
    queryKey: ["counts", hours],
    queryFn: () => data(api.GET("/v1/intake/counts", { params: { query: { hours } } })),
    refetchInterval: () => interval() && 30_000,
  });

export const deadLettersQuery = queryOptions({
  queryKey: ["dead-letters"],
  queryFn: () => data(api.GET("/v1/intake/dead-letters", { params: { query: { limit: 100 } } })),
  refetchInterval: interval,
});

export const auditQuery = (filters: { subject?: string; actor?: string; action?: string }, after: number) =>
  queryOptions({
    queryKey: ["audit", filters, after],
    queryFn: () => data(api.GET("/v1/audit", { params: { query: { subject: filters.subject, actor: filters.actor, action: filters.action, after, limit: 100 } } })),
    placeholderData: keepPreviousData,
    refetchInterval: interval,
  });
