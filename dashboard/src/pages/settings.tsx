/** How Mend decides: every change is shown before it is made, and kept in the audit trail. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { type Asked, Confirm, PageHead, Skeleton, useTitle } from "../ui/kit";
import { Needs } from "../ui/needs";

const Decide = lazy(() => import("./settings/decide"));
const Targets = lazy(() => import("./settings/targets"));
const Connections = lazy(() => import("./settings/connections"));
const History = lazy(() => import("./settings/history"));
const route = getRouteApi("/settings");
const TABS = { decide: "Mode and limits", targets: "Targets and times", connections: "Connections", history: "History" } as const;

export default function Settings() {
  const { tab = "decide" } = route.useSearch();
  useTitle(tab === "decide" ? "Settings" : `${TABS[tab]} · Settings`);
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <>
      <PageHead title="Policy and settings" lead={<>Every change is shown before it is made, and written to the <Link to="/audit" search={{ subject: "settings/policy" }}>audit trail</Link>.</>} />
      <nav aria-label="Which settings" className="mb-4 flex gap-1 overflow-x-auto border-b border-line">
        {Object.entries(TABS).map(([name, label]) => (
          <Link key={name} to="/settings" search={name === "decide" ? {} : { tab: name as keyof typeof TABS }} activeOptions={{ exact: true }} aria-current={tab === name ? "page" : undefined}
            className="-mb-px border-b-2 border-transparent px-3 py-2 whitespace-nowrap text-muted no-underline hover:text-text aria-[current=page]:border-accent aria-[current=page]:font-semibold aria-[current=page]:text-text">{label}</Link>
        ))}
      </nav>
      <Suspense fallback={<Skeleton rows={6} className="h-16" />}>
        {tab === "decide" && <Decide ask={setAsked} />}
        {tab === "targets" && <Needs role="admin"><Targets ask={setAsked} /></Needs>}
        {tab === "connections" && <Needs role="operator"><Connections /></Needs>}
        {tab === "history" && <Needs role="admin"><History ask={setAsked} /></Needs>}
      </Suspense>
      <Confirm asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}
