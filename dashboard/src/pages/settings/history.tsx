/** Who changed what of the policy; each change can be taken back like any other is made. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { policyQuery, versionsQuery } from "../../api/queries";
import { Ago, Card, Empty, Loaded } from "../../ui/kit";
import { words } from "../../words";
import { type Ask, type Changes, Diff, type Policy, usePropose } from "./change";

/** A value of a setting in few words. */
function told(value: unknown): string {
  if (value === null || value === undefined) return "not said";
  if (typeof value === "string") return words(value);
  if (Array.isArray(value)) return value.length ? value.map((one) => (one && typeof one === "object" && "name" in one ? String(one.name) : told(one))).join(", ") : "none";
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name}: ${told(one)}`).join("; ") || "none";
  return String(value);
}

export default function History({ ask }: { ask: Ask }) {
  const versions = useQuery(versionsQuery), policy = useQuery(policyQuery);
  const propose = usePropose(ask);
  return (
    <Card title="Versions of the policy" aside={<Link to="/audit" search={{ subject: "settings/policy" }}>In the audit trail</Link>}>
      <div className="min-h-48"><Loaded of={versions} rows={4}>{({ items }) => (items.length === 0 ? <Empty title="Nothing was changed yet" icon="audit">The policy is as it came. Whoever changes it stands here.</Empty> : (
        <ol className="grid gap-4">{items.map((one) => {
          const changes = one.changes.map(({ field, before, after }): Changes[number] => [field, told(before), told(after)]);
          const present = (field: string) => told((policy.data as Record<string, unknown> | undefined)?.[field]);
          const back = () => propose({
            title: `Take version ${one.version} back?`, confirm: "Take back", changes: changes.map(([name, before]) => [name, present(name), before]),
            policy: Object.fromEntries(one.changes.map(({ field, before }) => [field, before])) as Partial<Policy>,
          });
          return (
            <li key={one.version} className="rounded-lg border border-line p-3" data-version={one.version}>
              <div className="flex flex-wrap items-center gap-x-3 gap-y-1"><h3 className="font-semibold">Version {one.version}</h3><span className="text-muted">{one.by}, <Ago at={one.at} /></span>
                {changes.length > 0 && <button type="button" className="btn ml-auto" onClick={back}>Take back<span className="sr-only"> version {one.version}</span> …</button>}</div>
              {one.reason && <p className="mt-1">{one.reason}</p>}
              <div className="mt-2 overflow-x-auto">{changes.length ? <Diff changes={changes} made /> : <p className="text-muted">The same values were written again.</p>}</div>
            </li>
          );
        })}</ol>
      ))}</Loaded></div>
    </Card>
  );
}
