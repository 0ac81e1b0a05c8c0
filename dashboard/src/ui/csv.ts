/** Reads and writes CSV as spreadsheets make it. */

export interface Parsed { head: string[]; rows: { line: number; cells: string[] }[] }

/** Commas or semicolons, quotes, line ends inside quotes, a byte order mark. */
export function parseCsv(given: string): Parsed {
  const text = given.replace(/^\uFEFF/, "");
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const separator = first.split(";").length > first.split(",").length ? ";" : first.includes("\t") && !first.includes(",") ? "\t" : ",";
  const rows: Parsed["rows"] = [];
  let cells: string[] = [], cell = "", quoted = false, line = 1, began = 1;
  const end = () => {
    cells.push(cell);
    if (cells.some((one) => one.trim() !== "")) rows.push({ line: began, cells });
    cells = []; cell = ""; began = line;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\n") line += 1;
    if (quoted) {
      if (char === '"' && text[at + 1] === '"') { cell += '"'; at += 1; }
      else if (char === '"') quoted = false;
      else cell += char;
    } else if (char === '"' && cell === "") quoted = true;
    else if (char === separator) { cells.push(cell); cell = ""; }
    else if (char === "\n") end();
    else if (char !== "\r") cell += char;
  }
  end();
  const head = rows.shift();
  return { head: (head?.cells ?? []).map((one) => one.trim()), rows };
}

/** One cell; what a spreadsheet would take for a formula stays text. */
export function csvCell(value: unknown): string {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as they were read, to be read again elsewhere: nothing in a cell is changed. */
export function toCsv(rows: string[][]): string {
  return rows.map((row) => row.map((cell) => (/[",;\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")).join("\r\n") + "\r\n";
}

export function download(name: string, rows: unknown[][]): void {
  const url = URL.createObjectURL(new Blob([rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
