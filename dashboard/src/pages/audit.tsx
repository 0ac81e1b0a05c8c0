/** Who did what, when and why; and proof that it is still what was written. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { auditQuery } from "../api/queries";
import { Ago, Badge, Copy, Empty, ErrorPanel, Loaded, PageHead, useTitle } from "../ui/kit";
import { plural } from "../words";

const route = getRouteApi("/audit");
const verifyQuery = { queryKey: ["static", "verify"], queryFn: () => data(api.GET("/v1/audit/verify")), staleTime: 60_000 };

export default function Audit() {
  useTitle("Audit");
  const { after, ...filters } = route.useSearch();
  const navigate = useNavigate();
  const proof = useQuery(verifyQuery);
  const filtered = Object.values(filters).some(Boolean);
  // The trail is told oldest first; without a filter the newest part is the interesting one.
  const from = after ?? (filtered ? 0 : Math.max(0, (proof.data?.head.seq ?? 0) - 100));
  const trail = useQuery({ ...auditQuery(filters, from), enabled: filtered || after !== undefined || proof.data !== undefined });
  const [typed, setTyped] = useState(filters);
  const apply = (changes: object) => void navigate({ to: "/audit", search: Object.fromEntries(Object.entries({ ...filters, ...changes }).filter(([, value]) => value)) });
  return (
    <>
      <PageHead title="Audit" lead={proof.data ? (
        <span className="flex min-h-6 flex-wrap items-center gap-2">
          {proof.data.whole ? <Badge tone="ok" icon="check">Whole</Badge> : <Badge tone="err" icon="warning">Not as it was written</Badge>}
          {plural(proof.data.entries, "entry", "entries")}, head <span className="code">{proof.data.head.seq}:{proof.data.head.hash.slice(0, 16)}…</span><Copy text={`${proof.data.head.seq}:${proof.data.head.hash}`} label="Copy the head, to note it elsewhere" />
          {proof.data.problem && <span className="text-err">{proof.data.problem}</span>}
        </span>
      ) : <span className="flex min-h-6 items-center">Following the chain …</span>}>
        <button type="button" className="btn" onClick={() => void proof.refetch()} disabled={proof.isFetching}>Verify again</button>
      </PageHead>
      {proof.error !== null && <ErrorPanel error={proof.error} />}
      <form role="search" className="mb-3 flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); apply({ ...typed, after: undefined }); }}>
        {(["subject", "actor", "action"] as const).map((name) => (
          <input key={name} className="control w-52" aria-label={name} placeholder={{ subject: "Subject: a ticket, settings/policy", actor: "Actor", action: "Action: settings.changed" }[name]} maxLength={200} value={typed[name] ?? ""} onChange={(event) => setTyped({ ...typed, [name]: event.target.value.trim() })} />
        ))}
        <button type="submit" className="btn">Filter</button>
        {filtered && <button type="button" className="btn btn-quiet" onClick={() => { setTyped({}); void navigate({ to: "/audit", search: {} }); }}>Clear</button>}
      </form>
      <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label="Audit trail">
        <Loaded of={trail} rows={10}>{(found) => (found.items.length === 0 ? <Empty title="No entry" icon="audit">{filtered ? "Nothing matches these filters." : "Nothing was changed yet."}</Empty> : (
          <table className="table">
            <caption className="sr-only">Audit trail, oldest first</caption>
            <thead><tr><th scope="col">#</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">About</th><th scope="col" className="w-1/3">Why</th><th scope="col">Hash</th></tr></thead>
            <tbody>{(from > 0 && !filtered ? [...found.items].reverse() : found.items).map((entry) => (
              <tr key={entry.seq}>
                <td>{entry.seq}</td><td><Ago at={entry.at} /></td><td>{entry.actor}</td><td className="code">{entry.action}</td>
                <td>{entry.subject.startsWith("TIK-") ? <Link to="/tickets/$id" params={{ id: entry.subject }} className="code">{entry.subject}</Link> : <span className="code">{entry.subject}</span>}</td>
                <td>{entry.reason || "–"}</td><td className="code" title={entry.hash}>{entry.hash.slice(0, 8)}</td>
              </tr>
            ))}</tbody>
          </table>
        ))}</Loaded>
      </div>
      <nav aria-label="Pages" className="mt-3 flex gap-2">
        {trail.data && from > 0 && <button type="button" className="btn" onClick={() => apply({ after: Math.max(0, from - 100) || undefined, ...(from <= 100 ? { after: 1 } : {}) })}>Earlier</button>}
        {!!trail.data?.next_after && <button type="button" className="btn" onClick={() => apply({ after: trail.data.next_after })}>Later</button>}
        {after !== undefined && <button type="button" className="btn" onClick={() => apply({ after: undefined })}>Newest</button>}
      </nav>
    </>
  );
}
