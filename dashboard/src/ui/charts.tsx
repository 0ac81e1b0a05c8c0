/** Small SVG charts, each with a numeric summary and a table of the same numbers. */
import type { ReactNode } from "react";
import { download } from "./csv";
import { useWidth } from "./use-width";

export interface Series { name: string; color: string; values: number[] }

const H = 180, LEFT = 44, BOTTOM = 22, TOP = 10, INNER = H - TOP - BOTTOM;

/** Ticks from 0 to at least `most`, four or five of them at 1, 2 or 5 times a power of ten. */
function ticksTo(most: number, whole: boolean): number[] {
  const raw = Math.max(most, whole ? 1 : 0.001) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const nice = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999) ?? power;
  const step = whole ? Math.max(1, Math.ceil(nice)) : nice;
  return Array.from({ length: Math.max(1, Math.ceil(most / step - 0.001)) + 1 }, (_, index) => index * step);
}

const short = (value: number): string => String(Math.round(value * 100) / 100);

function Frame({ title, summary, head, rows, draw, legend, height = H }: {
  title: string; summary: string; head: string[]; rows: (string | number)[][]; draw: (width: number) => ReactNode; legend?: Omit<Series, "values">[]; height?: number;
}) {
  const [box, width] = useWidth<HTMLDivElement>();
  return (
    <figure className="m-0 min-w-0">
      {legend && (
        <ul className="mb-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted" aria-hidden="true">
          {legend.map(({ name, color }, index) => (
            <li key={name} className="flex items-center gap-1.5"><svg width="14" height="10" aria-hidden="true"><rect y="1" width="14" height="8" rx="2" fill={color} opacity={index === 0 ? 1 : 0.92} /></svg>{name}</li>
          ))}
        </ul>
      )}
      <div ref={box}><svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} className="block max-w-full" role="img" aria-label={`${title}: ${summary}`}>{draw(width)}</svg></div>
      <details className="mt-2 text-xs">
        <summary className="more">View as table</summary>
        <div className="max-h-64 overflow-auto" tabIndex={0} role="region" aria-label={`${title} as table`}>
          <table className="table"><thead><tr>{head.map((one) => <th key={one} scope="col">{one}</th>)}</tr></thead>
            <tbody>{rows.map((row, index) => <tr key={index}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
          </table>
        </div>
        <button type="button" className="btn mt-2" onClick={() => download(`${title.toLowerCase().replace(/[^a-z]+/g, "-")}.csv`, [head, ...rows])}>CSV</button>
      </details>
    </figure>
  );
}

const axisText = { fontSize: 11, fill: "var(--muted)" } as const;

function Grid({ ticks, most, unit, width }: { ticks: number[]; most: number; unit?: string; width: number }) {
  return ticks.map((tick) => {
    const y = TOP + INNER - (tick / most) * INNER;
    return (
      <g key={tick}>
        <line x1={LEFT} x2={width} y1={y} y2={y} stroke="var(--line)" />
        <text x={LEFT - 6} y={y + 4} textAnchor="end" {...axisText}>{unit && tick > 0 ? `${short(tick)} ${unit}` : short(tick)}</text>
      </g>
    );
  });
}

function Labels({ labels, width }: { labels: string[]; width: number }) {
  const every = Math.max(1, Math.ceil((labels.length * 52) / (width - LEFT)));
  const wide = (width - LEFT) / Math.max(1, labels.length);
  return labels.map((label, index) => {
    // Counted from the right: the newest has its label, which ends where the chart does.
    if ((labels.length - 1 - index) % every !== 0) return null;
    const middle = LEFT + wide * (index + 0.5);
    const atEnd = middle + 20 > width;
    return <text key={index} x={atEnd ? width : middle} y={H - 6} textAnchor={atEnd ? "end" : "middle"} {...axisText}>{label}</text>;
  });
}

export function StackedBars({ title, labels, series, unit }: { title: string; labels: string[]; series: Series[]; unit: string }) {
  const sums = labels.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const ticks = ticksTo(Math.max(0, ...sums), true);
  const most = ticks.at(-1) ?? 1;
  const summary = series.map(({ name, values }) => `${name} ${values.reduce((a, b) => a + b, 0)}`).join(", ");
  return (
    <Frame title={title} summary={`${summary} ${unit}`} legend={series} head={["Time", ...series.map(({ name }) => name)]}
      rows={labels.map((label, index) => [label, ...series.map(({ values }) => values[index] ?? 0)])}
      draw={(width) => {
        const wide = (width - LEFT) / Math.max(1, labels.length);
        return (
          <>
            <Grid ticks={ticks} most={most} width={width} />
            {labels.map((label, index) => {
              let top = TOP + INNER;
              return (
                <g key={index}>
                  <title>{`${label}: ${series.map(({ name, values }) => `${name} ${values[index] ?? 0}`).join(", ")}`}</title>
                  {series.map(({ name, color, values }) => {
                    const tall = ((values[index] ?? 0) / most) * INNER;
                    top -= tall;
                    return tall > 0 && <rect key={name} x={LEFT + wide * (index + 0.15)} y={top} width={wide * 0.7} height={tall} fill={color} />;
                  })}
                </g>
              );
            })}
            <Labels labels={labels} width={width} />
          </>
        );
      }} />
  );
}

export interface Line { name: string; color: string; minutes: (number | null)[] }

/** Seconds, minutes or hours, whichever needs the fewest digits. */
function unitFor(minutes: number): { name: string; of: (minutes: number) => number } {
  if (minutes < 2) return { name: "s", of: (value) => value * 60 };
  return minutes < 120 ? { name: "min", of: (value) => value } : { name: "h", of: (value) => value / 60 };
}

/** Lengths of time; where nothing was measured there is no point, and no line through zero. */
export function Durations({ title, labels, lines }: { title: string; labels: string[]; lines: Line[] }) {
  const longest = Math.max(0, ...lines.flatMap(({ minutes }) => minutes.filter((one) => one !== null)));
  const unit = unitFor(longest);
  const ticks = ticksTo(unit.of(longest), false);
  const most = ticks.at(-1) ?? 1;
  const said = (minutes: number | null | undefined) => (minutes === null || minutes === undefined ? "–" : `${short(unit.of(minutes))} ${unit.name}`);
  const summary = lines.map(({ name, minutes }) => `${name} at most ${said(Math.max(0, ...minutes.filter((one) => one !== null)))}`).join(", ");
  return (
    <Frame title={title} summary={summary} legend={lines} head={["Time", ...lines.map(({ name }) => name)]}
      rows={labels.map((label, index) => [label, ...lines.map(({ minutes }) => said(minutes[index]))])}
      draw={(width) => {
        const wide = (width - LEFT) / Math.max(1, labels.length);
        const place = (value: number, at: number): [number, number] => [LEFT + wide * (at + 0.5), TOP + INNER - (unit.of(value) / most) * INNER];
        return (
          <>
            <Grid ticks={ticks} most={most} unit={unit.name} width={width} />
            {lines.map(({ name, color, minutes }, row) => {
              const points = minutes.flatMap((value, at) => (value === null ? [] : [{ value, at, xy: place(value, at) }]));
              return (
                <g key={name}>
                  {points.length > 1 && <polyline fill="none" stroke={color} strokeWidth="2" strokeDasharray={row === 1 ? "5 4" : undefined} points={points.map(({ xy }) => xy.join(",")).join(" ")} />}
                  {points.map(({ value, at, xy: [x, y] }) => (
                    <g key={at}><title>{`${labels[at]}: ${name} ${said(value)}`}</title>
                      {row === 1 ? <rect x={x - 3} y={y - 3} width="6" height="6" fill={color} /> : <circle cx={x} cy={y} r="3.5" fill={color} />}</g>
                  ))}
                </g>
              );
            })}
            <Labels labels={labels} width={width} />
          </>
        );
      }} />
  );
}

/** One row per name: the whole, and the part of it that is well. */
export function Rows({ title, rows, whole, part }: { title: string; rows: { name: string; whole: number; part?: number }[]; whole: string; part?: string }) {
  const most = Math.max(1, ...rows.map((row) => row.whole));
  const said = (row: (typeof rows)[number]) => (part === undefined ? String(row.whole) : `${row.part ?? 0} of ${row.whole}`);
  return (
    <Frame title={title} height={rows.length * 26 + 4} head={part === undefined ? ["Name", whole] : ["Name", whole, part, "Share"]} summary={rows.map((row) => `${row.name} ${said(row)}`).join(", ")}
      rows={rows.map((row) => (part === undefined ? [row.name, row.whole] : [row.name, row.whole, row.part ?? 0, row.whole ? `${Math.round((100 * (row.part ?? 0)) / row.whole)} %` : "–"]))}
      draw={(width) => {
        const longest = Math.max(...rows.map(({ name }) => name.length));
        const names = Math.min(Math.round(width * 0.42), longest * 7 + 4), room = width - names - 72, letters = Math.floor(names / 6.6);
        return rows.map((row, index) => (
          <g key={row.name} transform={`translate(0 ${index * 26})`}>
            <title>{`${row.name}: ${said(row)}`}</title>
            <text x={names} y={17} textAnchor="end" fontSize={12} fill="var(--text)">{row.name.length > letters ? `${row.name.slice(0, letters - 1)}…` : row.name}</text>
            {row.whole > 0 && <rect x={names + 10} y={6} width={(room * row.whole) / most} height={14} rx="2" fill={part === undefined ? "var(--accent)" : "var(--surface-2)"} stroke={part === undefined ? "none" : "var(--line-strong)"} strokeWidth="0.6" />}
            {!!row.part && <rect x={names + 10} y={6} width={(room * row.part) / most} height={14} rx="2" fill="var(--ok)" />}
            <text x={names + 18 + (room * row.whole) / most} y={17} fontSize={12} fill="var(--muted)">{said(row)}</text>
          </g>
        ));
      }} />
  );
}
