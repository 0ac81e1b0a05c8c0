/** Tickets from a spreadsheet: looked at before anything is sent, and a result per line. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { data, type Schemas } from "../api/client";
import { download, parseCsv, type Parsed, toCsv } from "../ui/csv";
import { Icon } from "../ui/icons";
import { Badge, Card, ErrorPanel, PageHead, say, useTitle } from "../ui/kit";
import { only } from "../ui/only";
import { plural, SEVERITIES, words } from "../words";
import { api } from "../api/client";

const COLUMNS = ["title", "description", "severity", "environment", "service", "ci", "pipeline", "factory", "job", "workspace", "run_id", "occurred_at"];
const EXAMPLE = ["Pipeline load_orders failed", "Cannot connect to SQL Database", "high", "prod", "orders", "sql-prod-01", "load_orders", "adf-retail"];
/** What one call takes; more rows go in several. */
const CALL_BYTES = 900_000, CALL_ROWS = 1_000;
const MOST_BYTES = 5_242_880, MOST_ROWS = 10_000, SHOWN = 20, MOST_SHOWN = 200;
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

interface Part { text: string; lines: number[] }

/** The file as it is, if one call takes it; otherwise in parts, each with the head. */
function partsOf({ text, size, parsed: { head, rows } }: Chosen): Part[] {
  if (rows.length <= CALL_ROWS && size <= CALL_BYTES) return [{ text, lines: rows.map(({ line }) => line) }];
  const parts: Part[] = [];
  let taken: typeof rows = [], bytes = 0;
  const end = () => { if (taken.length) parts.push({ text: toCsv([head, ...taken.map(({ cells }) => cells)]), lines: taken.map(({ line }) => line) }); };
  for (const row of rows) {
    const more = 2 * row.cells.reduce((sum, cell) => sum + cell.length + 2, 0); // a letter may take more than one byte
    if (taken.length === CALL_ROWS || (taken.length > 0 && bytes + more > CALL_BYTES)) { end(); taken = []; bytes = 0; }
    taken.push(row);
    bytes += more;
  }
  end();
  return parts;
}

export default only("operator", "Upload CSV", Upload);

function Upload() {
  useTitle("Upload CSV");
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [result, setResult] = useState<Schemas["Uploaded"] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [sent, setSent] = useState({ done: 0, of: 0 });
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
    const parts = partsOf(chosen);
    const found: Schemas["Uploaded"] = { accepted: 0, rejected: 0, rows: [] };
    try {
      for (const [done, { text, lines }] of parts.entries()) {
        setSent({ done, of: parts.length });
        const part = await data(api.POST("/v1/tickets/upload-csv", {
          body: text as never, bodySerializer: (body: unknown) => body as string, headers: { "Content-Type": "text/csv" },
          params: { header: { "Idempotency-Key": `csv-${await digest(text)}` } }, // sent again after a failure it is not done twice
        }));
        found.accepted += part.accepted;
        found.rejected += part.rejected;
        found.rows.push(...part.rows.map((row, at) => (parts.length > 1 ? { ...row, line: lines[at] ?? row.line } : row)));
      }
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
  const bad = chosen && wrong ? chosen.parsed.rows.filter(({ cells }) => wrong.row(cells)).length : 0;
  const tooMany = (chosen?.parsed.rows.length ?? 0) > MOST_ROWS;
  // What went wrong comes first; a page of ten thousand lines helps nobody.
  const shown = [...(result?.rows ?? [])].sort((a, b) => Number(!!b.error) - Number(!!a.error) || a.line - b.line).slice(0, MOST_SHOWN);
  const tooLarge = chosen !== null && chosen.size > MOST_BYTES;
  return (
    <>
      <PageHead title="Upload CSV" lead="A row per ticket. Nothing is sent before you have seen it."><button type="button" className="btn" onClick={() => download("tickets.csv", [COLUMNS, EXAMPLE])}><Icon name="down" />A file to fill in</button></PageHead>
      <div className="grid gap-4">
        <label className={`card grid cursor-pointer grid-cols-1 place-items-center gap-2 border-2 border-dashed p-8 text-center focus-within:outline-2 focus-within:outline-accent ${over ? "border-accent bg-accent-soft" : "border-line-strong"}`}
          onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={(event) => { event.preventDefault(); setOver(false); void choose(event.dataTransfer.files[0]); }}>
          <Icon name="upload" size={24} className="text-muted" />
          <span className="font-medium">Drop a CSV file here, or choose one</span>
          <span className="label">Up to 5 MB and 10,000 rows; commas or semicolons. Cells that look like formulas stay text.</span>
          <input type="file" accept=".csv,text/csv" aria-label="CSV file" className="w-full max-w-72 min-w-0" onChange={(event) => void choose(event.target.files?.[0])} />
        </label>
        {chosen && wrong && !result && (
          <Card title={`${chosen.name}: ${plural(chosen.parsed.rows.length, "row")}`} aside={<button type="button" className="btn btn-primary" disabled={busy || tooLarge || tooMany || chosen.parsed.rows.length === 0} onClick={() => void send()}>{busy && <Icon name="spinner" className="spin" />}Send {plural(chosen.parsed.rows.length, "row")}</button>} pad={false}>
            {(wrong.file.length > 0 || tooLarge) && <div role="alert" className="m-4"><ul className="list-disc rounded-lg border border-warn bg-warn-tint p-3 pl-8 text-warn">{tooLarge && <li>The file is larger than 5 MB.</li>}{wrong.file.map((text) => <li key={text}>{text}</li>)}</ul></div>}
            {bad > 0 && <p className="px-4 pt-3 text-warn">{plural(bad, "row")} of {chosen.parsed.rows.length.toLocaleString("en")} {bad === 1 ? "has" : "have"} a mistake and would be rejected; the others would be accepted.</p>}
            {busy && sent.of > 1 && <p role="status" className="flex items-center gap-3 p-4"><progress className="w-48" max={sent.of} value={sent.done} aria-label="Sent" />Part {sent.done + 1} of {sent.of}</p>}
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
                <tbody>{shown.map((row) => (
                  <tr key={row.line}><td>{row.line}</td>
                    <td>{row.error ? <Badge tone="err" icon="cross">Rejected</Badge> : <Badge tone={row.disposition === "opened" ? "ok" : "idle"} icon="check">{words(row.disposition)}</Badge>}</td>
                    <td>{row.ticket_id ? <Link to="/tickets/$id" params={{ id: row.ticket_id }}>{row.ticket_id}</Link> : <>{row.field && <strong>{row.field}: </strong>}{row.error}</>}</td></tr>
                ))}</tbody></table>
            </div>
            {result.rows.length > MOST_SHOWN && <p className="label p-4">{MOST_SHOWN} of {result.rows.length.toLocaleString("en")} lines, those with mistakes first; errors.csv has all mistakes.</p>}
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
