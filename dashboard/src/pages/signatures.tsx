/** Known causes, and how well what is done about them works. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { has, statsQuery } from "../api/queries";
import { Empty, Loaded, NotYet, PageHead, useTitle } from "../ui/kit";
import { percent } from "../words";

const COLUMNS = [["signature", "Signature"], ["tickets", "Tickets"], ["healed", "Healed"], ["escalated", "Escalated"], ["share", "Success"]] as const;
type Column = (typeof COLUMNS)[number][0];

export default function Signatures() {
  useTitle("Signatures");
  const stats = useQuery(statsQuery(720));
  const [by, setBy] = useState<{ column: Column; down: boolean }>({ column: "tickets", down: true });
  return (
    <>
      <PageHead title="Signatures" lead="Causes that were recognised in the last 30 days." />
      <div className="card overflow-x-auto" tabIndex={0} role="region" aria-label="Signatures">
        {!has("/v1/dashboard/stats") ? <NotYet what="Signatures" /> : (
          <Loaded of={stats} rows={6}>{(found) => {
            const rows = found.by_signature.map((one) => ({ ...one, share: one.healed + one.escalated ? one.healed / (one.healed + one.escalated) : -1 }))
              .sort((a, b) => (a[by.column] < b[by.column] ? -1 : a[by.column] > b[by.column] ? 1 : 0) * (by.down ? -1 : 1));
            return rows.length === 0 ? <Empty title="No cause was recognised yet" icon="signature">As soon as a failure is analysed, its signature is counted here.</Empty> : (
              <table className="table">
                <caption className="sr-only">Signatures and what became of their tickets</caption>
                <thead><tr>{COLUMNS.map(([column, label]) => (
                  <th key={column} scope="col" aria-sort={by.column === column ? (by.down ? "descending" : "ascending") : "none"}>
                    <button type="button" className="min-h-6 font-medium" onClick={() => setBy({ column, down: by.column === column ? !by.down : column !== "signature" })}>{label}{by.column === column ? (by.down ? " ↓" : " ↑") : ""}</button>
                  </th>
                ))}</tr></thead>
                <tbody>{rows.map((one) => (
                  <tr key={one.signature}><td><Link to="/tickets" search={{ q: one.signature }} className="code">{one.signature}</Link></td><td>{one.tickets}</td><td>{one.healed}</td><td>{one.escalated}</td><td>{one.share < 0 ? "–" : percent(one.share)}</td></tr>
                ))}</tbody>
              </table>
            );
          }}</Loaded>
        )}
      </div>
    </>
  );
}
