/** A change of the policy, looked at before it is made: what differs, and what it would have decided. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { api, call, data, type Schemas } from "../../api/client";
import { has, policyQuery } from "../../api/queries";
import { type Asked, ErrorPanel, say, Skeleton } from "../../ui/kit";
import { plural, words } from "../../words";

export type Policy = Schemas["PolicyShown"];
export type Ask = (asked: Asked) => void;
export type Changes = [name: string, now: string, then: string][];

export const ACTIONS: Schemas["Action"][] = [
  "rerun_from_failure", "rerun_pipeline", "start_trigger", "repair_run", "rerun_job", "restart_cluster", "reinstall_libraries", "resize_cluster", "run_logic_app",
];

export const LABELS: Record<string, [label: string, hint: string]> = {
  running_per_target: ["Attempts at once, per target", ""],
  attempts_per_target_per_day: ["Attempts per target and day", "In any 24 hours"],
  attempts_per_action_per_10_minutes: ["Attempts per action, 10 minutes", "Of one kind of action"],
  attempts_per_hour: ["Attempts per hour, all together", ""],
  running: ["Attempts at once, all together", ""],
  max_failing_share: ["Mass failure: share of targets", "From 0 to 1; above it nothing is rerun"],
  min_failing_targets: ["Mass failure: at least so many", "Fewer failing targets never count as one"],
  inconclusive_until_open: ["Unclear attempts in a row", "Then a person is asked"],
  heals_per_half_hour: ["Heals per half hour", "More often than this it goes to a person"],
};

export const labelOf = (name: string): string => LABELS[name]?.[0] ?? words(name);

export function Diff({ changes, made = false }: { changes: Changes; made?: boolean }) {
  return (
    <table className="table"><caption className="sr-only">What changes</caption><thead><tr><th scope="col">Setting</th><th scope="col">{made ? "Before" : "Now"}</th><th scope="col">{made ? "After" : "Then"}</th></tr></thead>
      <tbody>{changes.map(([name, before, after]) => <tr key={name}><td>{labelOf(name)}</td><td className="text-err"><del>{before}</del></td><td className="text-ok"><ins className="no-underline">{after}</ins></td></tr>)}</tbody></table>
  );
}

/** What the change would have done to what was decided in the last seven days. */
export function Replay({ change }: { change: object }) {
  const able = has("/v1/policy/replay");
  const found = useQuery({ queryKey: ["static", "replay", change], queryFn: () => call<Schemas["Replayed"]>("POST", "v1/policy/replay", change), enabled: able, retry: false, staleTime: 30_000 });
  if (!able) return <p className="label">Replaying a change on past decisions is not available yet.</p>;
  if (found.error) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Skeleton rows={2} />;
  const { changes, totals, not_judged: unknown, more } = found.data;
  return (
    <div role="status">
      <h3 className="label mb-1">Replayed on the last seven days</h3>
      <p>{plural(totals.decisions, "decision")} about {plural(totals.tickets, "ticket")}{more ? " (the newest ones)" : ""}: <strong>{totals.changed === 0 ? "none would come out differently" : `${totals.changed} would come out differently`}</strong>.</p>
      {changes.length > 0 && (
        <ul className="mt-1 grid max-h-48 gap-1.5 overflow-auto" tabIndex={0} aria-label="Decisions that change">{changes.slice(0, 20).map((one, index) => (
          <li key={index}><Link to="/tickets/$id" params={{ id: one.ticket_id }} className="code">{one.ticket_id}</Link> {words(one.before)} → <strong>{words(one.after)}</strong><span className="label block">{one.because.map(words).join("; ")}</span></li>
        ))}</ul>
      )}
      {changes.length > 20 && <p className="label mt-1">And {changes.length - 20} more.</p>}
      {unknown.length > 0 && <p className="label mt-1">Cannot be judged afterwards: {unknown.map(labelOf).join("; ")}.</p>}
    </div>
  );
}

export interface Proposal { title: string; confirm?: string; changes: Changes; policy: Partial<Omit<Policy, "version">>; then?: () => void }

/** Returns what asks about a change, and makes it of the version that was looked at and no other. */
export function usePropose(ask: Ask): (proposal: Proposal) => void {
  const queries = useQueryClient();
  const policy = useQuery(policyQuery);
  return ({ title, confirm = "Save", changes, policy: body, then }) => {
    const seen = policy.data?.version ?? 0;
    ask({
      title, confirm, children: <div className="grid gap-4"><Diff changes={changes} /><Replay change={{ policy: body }} /></div>,
      run: async () => {
        try {
          await data(api.PUT("/v1/settings/policy", { params: { header: { "If-Match": `"${seen}"` } }, body: body as never }));
          say("Policy saved");
          then?.();
        } finally {
          await queries.invalidateQueries();
        }
      },
    });
  };
}

/** Leaving with unsaved changes is asked about once more. */
export function useUnsaved(dirty: boolean): void {
  const now = useRef(dirty);
  now.current = dirty;
  useEffect(() => {
    const onLeave = (event: BeforeUnloadEvent) => { if (now.current) event.preventDefault(); };
    addEventListener("beforeunload", onLeave);
    return () => removeEventListener("beforeunload", onLeave);
  }, []);
}
