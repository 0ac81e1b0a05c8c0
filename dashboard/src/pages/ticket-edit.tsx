/** What a person changes on a ticket; nobody undoes what they have not seen. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, Problem, type Ticket } from "../api/client";
import { Dialog, ErrorPanel, Field, say } from "../ui/kit";
import { FINAL, SEVERITIES, STATUSES, words } from "../words";

const OUTCOMES: Record<string, string[]> = {
  resolved: ["resolved_manually"], closed: ["cancelled", "false_positive", "self_recovered", "superseded", "not_confirmed"], escalated: ["not_remediable", "inconclusive", "not_healed"],
};

export default function Edit({ ticket, onClose }: { ticket: Ticket; onClose: () => void }) {
  const queries = useQueryClient();
  const [seen] = useState(ticket); // what the person saw; what arrives meanwhile does not change the form
  const [version, setVersion] = useState(ticket.version);
  const [severity, setSeverity] = useState<string>(seen.severity);
  const [assignee, setAssignee] = useState(seen.assignee ?? "");
  const [status, setStatus] = useState("");
  const [outcome, setOutcome] = useState("");
  const [note, setNote] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const moves = seen.status === "escalated" ? ["resolved", "closed"] : FINAL.has(seen.status) ? [] : ["resolved", "escalated", "closed"];
  const conflict = error instanceof Problem && error.status === 412;
  const body = {
    ...(severity !== seen.severity ? { severity } : {}), ...(assignee.trim() !== (seen.assignee ?? "") ? { assignee: assignee.trim() || null } : {}),
    ...(status ? { status, ...(outcome ? { outcome } : {}) } : {}), ...(note.trim() ? { note: note.trim() } : {}),
  };
  async function save(as: number) {
    setBusy(true);
    setError(null);
    try {
      await data(api.PATCH("/v1/tickets/{ticket_id}", { params: { path: { ticket_id: ticket.id }, header: { "If-Match": `"${as}"` } }, body: body as never }));
      say("Saved");
      await queries.invalidateQueries();
      onClose();
    } catch (problem) {
      setError(problem);
      if (problem instanceof Problem && problem.status === 412) await queries.invalidateQueries({ queryKey: ["ticket", ticket.id] });
    } finally {
      setBusy(false);
    }
  }
  const wrong = (name: string) => (error instanceof Problem ? error.fieldError(name) : undefined);
  return (
    <Dialog open onClose={onClose} title={`Edit ${ticket.id}`}>
      <form className="grid gap-4" onSubmit={(event) => { event.preventDefault(); void save(version); }}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Severity" error={wrong("severity")}>{(props) => <select {...props} className="control" value={severity} onChange={(event) => setSeverity(event.target.value)}>{SEVERITIES.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>}</Field>
          <Field label="Assignee" hint="Empty: nobody" error={wrong("assignee")}>{(props) => <input {...props} className="control" maxLength={200} value={assignee} onChange={(event) => setAssignee(event.target.value)} />}</Field>
          {moves.length > 0 && (
            <Field label="Status" error={wrong("status")}>{(props) => (
              <select {...props} className="control" value={status} onChange={(event) => { setStatus(event.target.value); setOutcome(""); }}>
                <option value="">{STATUSES[seen.status]?.label} (stays)</option>{moves.map((one) => <option key={one} value={one}>{STATUSES[one]?.label}</option>)}
              </select>
            )}</Field>
          )}
          {status && (
            <Field label="Outcome" error={wrong("outcome")}>{(props) => (
              <select {...props} className="control" value={outcome} onChange={(event) => setOutcome(event.target.value)}>
                <option value="">As usual</option>{OUTCOMES[status]?.map((one) => <option key={one} value={one}>{words(one)}</option>)}
              </select>
            )}</Field>
          )}
        </div>
        <Field label="Note" hint="Goes into the timeline." error={wrong("note")}>{(props) => <textarea {...props} className="control w-full" rows={3} maxLength={4000} value={note} onChange={(event) => setNote(event.target.value)} />}</Field>
        {conflict && (
          <div role="alert" className="rounded-lg border border-warn bg-warn-tint p-3 text-warn">
            <p><strong>Changed elsewhere.</strong> The ticket is now {STATUSES[ticket.status]?.label.toLowerCase()}, version {ticket.version}. What you typed is still here.</p>
            <button type="button" className="btn mt-2" onClick={() => { setVersion(ticket.version); void save(ticket.version); }}>Save over it</button>
          </div>
        )}
        {error !== null && !conflict && <ErrorPanel error={error} retry={() => void save(version)} />}
        <div className="flex justify-end gap-2">
          <button type="button" className="btn" onClick={onClose}>Not now</button>
          <button type="submit" className="btn btn-primary" disabled={busy || Object.keys(body).length === 0}>Save</button>
        </div>
      </form>
    </Dialog>
  );
}
