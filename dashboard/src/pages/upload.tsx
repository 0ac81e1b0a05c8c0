/** Tickets from a spreadsheet: looked at before anything is sent, and a result per line. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { data, type Schemas } from "../api/client";
import { download, parseCsv, type Parsed } from "../ui/csv";
import { Icon } from "../ui/icons";
import { Badge, Card, ErrorPanel, PageHead, say, useTitle } from "../ui/kit";
import { plural, SEVERITIES, words } from "../words";
import { api } from "../api/client";

const COLUMNS = ["title", "description", "severity", "environment", "service", "ci", "pipeline", "factory", "job", "workspace", "run_id", "occurred_at"];
const MOST_BYTES = 1_048_576, MOST_ROWS = 1_000, SHOWN = 20;
const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, "");

interface Chosen { name: string; text: string; size: number; parsed: Parsed }

function mistakes({ head, rows }: Parsed): { file: string[]; row: (cells: string[]) => string | undefined } {
  const known = new Set(COLUMNS.map(plain));
  const file = head.filter((name) => !known.has(plain(name))).map((name) => `There is no column “${name}”.`);
  if (!head.some((name) => plain(name) === "title")) file.push("The column “title” is missing.");
  if (rows.length > MOST_ROWS) file.push(`At most ${MOST_ROWS.toLocaleString("en")} rows; there are ${rows.length.toLocaleString("en")}.`);
  const title = head.findIndex((name) => plain(name) === "title"), severity = head.findIndex((name) => plain(name) === "severity");
  return {
    file,
    row: (cells) => {
      if (title >= 0 && !cells[title]?.trim()) return "title is missing";
      const said = cells[severity]?.trim().toLowerCase();
      return severity >= 0 && said && !SEVERITIES.includes(said as never) ? `severity ${said} is none of ${SEVERITIES.join(", ")}` : undefined;
    },
  };
}

export default function Upload() {
  useTitle("Upload CSV");
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [result, setResult] = useState<Schemas["Uploaded"] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  async function choose(file: File | undefined) {
    if (!file) return;
    const text = await file.text();
    setResult(null);
    setError(null);
    setChosen({ name: file.name, text, size: file.size, parsed: parseCsv(text) });
  }
  async function send() {
    if (!chosen || busy) return;
    setBusy(true);
    setError(null);
    try {
      const found = await data(api.POST("/v1/tickets/upload-csv", {
        body: chosen.text as never, bodySerializer: (body: unknown) => body as string, headers: { "Content-Type": "text/csv" },
        params: { header: { "Idempotency-Key": `csv-${await digest(chosen.text)}` } },
      }));
      setResult(found);
      say(`${plural(found.accepted, "row")} accepted, ${found.rejected} rejected`, found.rejected ? "warn" : "ok");
      void queries.invalidateQueries();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  const wrong = chosen && mistakes(chosen.parsed);
  const tooLarge = chosen !== null && chosen.size > MOST_BYTES;
  return (
    <>
      <PageHead title="Upload CSV" lead="A row per ticket. Nothing is sent before you have seen it."><a className="btn" href="/api/v1/tickets/upload-csv" download="tickets.csv">A file to fill in</a></PageHead>
      <div className="grid gap-4">
        <label className={`card grid cursor-pointer grid-cols-1 place-items-center gap-2 border-2 border-dashed p-8 text-center focus-within:outline-2 focus-within:outline-accent ${over ? "border-accent bg-accent-soft" : "border-line-strong"}`}
          onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={(event) => { event.preventDefault(); setOver(false); void choose(event.dataTransfer.files[0]); }}>
          <Icon name="upload" size={24} className="text-muted" />
          <span className="font-medium">Drop a CSV file here, or choose one</span>
          <span className="label">Up to 1 MB and 1,000 rows; commas or semicolons. Cells that look like formulas stay text.</span>
          <input type="file" accept=".csv,text/csv" aria-label="CSV file" className="w-full max-w-72 min-w-0" onChange={(event) => void choose(event.target.files?.[0])} />
        </label>
        {chosen && wrong && !result && (
          <Card title={`${chosen.name}: ${plural(chosen.parsed.rows.length, "row")}`} aside={<button type="button" className="btn btn-primary" disabled={busy || tooLarge || chosen.parsed.rows.length === 0} onClick={() => void send()}>{busy && <Icon name="spinner" className="spin" />}Send {plural(chosen.parsed.rows.length, "row")}</button>} pad={false}>
            {(wrong.file.length > 0 || tooLarge) && <ul role="alert" className="m-4 list-disc rounded-lg border border-warn bg-warn-tint p-3 pl-8 text-warn">{tooLarge && <li>The file is larger than 1 MB.</li>}{wrong.file.map((text) => <li key={text}>{text}</li>)}</ul>}
            <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Preview">
              <table className="table"><caption className="sr-only">The first rows of the file</caption>
                <thead><tr><th scope="col">Line</th><th scope="col">Looks</th>{chosen.parsed.head.map((name, index) => <th key={index} scope="col">{name}</th>)}</tr></thead>
                <tbody>{chosen.parsed.rows.slice(0, SHOWN).map(({ line, cells }) => {
                  const problem = wrong.row(cells);
                  return <tr key={line}><td>{line}</td><td>{problem ? <Badge tone="err" icon="cross">{problem}</Badge> : <Badge tone="ok" icon="check">Fine</Badge>}</td>{cells.map((cell, index) => <td key={index} className="max-w-72 truncate" title={cell}>{cell}</td>)}</tr>;
                })}</tbody></table>
            </div>
            {chosen.parsed.rows.length > SHOWN && <p className="label p-4">The first {SHOWN} of {chosen.parsed.rows.length.toLocaleString("en")} rows.</p>}
          </Card>
        )}
        {error !== null && <ErrorPanel error={error} retry={() => void send()} />}
        {result && (
          <Card title={`${plural(result.accepted, "row")} accepted, ${result.rejected} rejected`} pad={false} aside={
            <div className="flex gap-2">
              {result.rejected > 0 && <button type="button" className="btn" onClick={() => download("errors.csv", [["line", "field", "error"], ...result.rows.filter(({ error: text }) => text).map((row) => [row.line, row.field, row.error])])}>errors.csv</button>}
              <Link to="/tickets" search={{ source: "csv" }} className="btn">See these tickets</Link>
            </div>
          }>
            <div className="max-h-[60vh] overflow-auto" tabIndex={0} role="region" aria-label="Result per line">
              <table className="table"><caption className="sr-only">What became of each line</caption><thead><tr><th scope="col">Line</th><th scope="col">Result</th><th scope="col">Ticket or mistake</th></tr></thead>
                <tbody>{result.rows.map((row) => (
                  <tr key={row.line}><td>{row.line}</td>
                    <td>{row.error ? <Badge tone="err" icon="cross">Rejected</Badge> : <Badge tone={row.disposition === "opened" ? "ok" : "idle"} icon="check">{words(row.disposition)}</Badge>}</td>
                    <td>{row.ticket_id ? <Link to="/tickets/$id" params={{ id: row.ticket_id }}>{row.ticket_id}</Link> : <>{row.field && <strong>{row.field}: </strong>}{row.error}</>}</td></tr>
                ))}</tbody></table>
            </div>
          </Card>
        )}
      </div>
    </>
  );
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes).slice(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
