/** Small SVG charts, each with a numeric summary and a table of the same numbers. */
import type { ReactNode } from "react";

export interface Series { name: string; color: string; values: number[] }

const W = 640, H = 180, LEFT = 34, BOTTOM = 20, TOP = 8;

function scale(most: number): number[] {
  const raw = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  const step = Math.max(1, Math.ceil(raw / power) * power);
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, index) => index * step);
}

function Frame({ title, summary, head, rows, children, legend, height = H }: {
  title: string; summary: string; head: string[]; rows: (string | number)[][]; children: ReactNode; legend?: Series[]; height?: number;
}) {
  return (
    <figure className="m-0 min-w-0">
      {legend && legend.length > 1 && (
        <ul className="mb-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted" aria-hidden="true">
          {legend.map(({ name, color }) => (
            <li key={name} className="flex items-center gap-1.5"><svg width="10" height="10" aria-hidden="true"><rect width="10" height="10" rx="2" fill={color} /></svg>{name}</li>
          ))}
        </ul>
      )}
      <svg viewBox={`0 0 ${W} ${height}`} className="block h-auto w-full" role="img" aria-label={`${title}: ${summary}`}>{children}</svg>
      <details className="mt-2 text-xs">
        <summary className="more">View as table</summary>
        <div className="max-h-64 overflow-auto" tabIndex={0} role="region" aria-label={`${title} as table`}>
          <table className="table"><thead><tr>{head.map((one) => <th key={one} scope="col">{one}</th>)}</tr></thead>
            <tbody>{rows.map((row, index) => <tr key={index}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

const axisText = { fontSize: 11, fill: "var(--muted)" } as const;

function Grid({ ticks, most, height }: { ticks: number[]; most: number; height: number }) {
  const inner = height - TOP - BOTTOM;
  return ticks.map((tick) => {
    const y = TOP + inner - (tick / most) * inner;
    return (
      <g key={tick}>
        <line x1={LEFT} x2={W} y1={y} y2={y} stroke="var(--line)" />
        <text x={LEFT - 6} y={y + 4} textAnchor="end" {...axisText}>{tick}</text>
      </g>
    );
  });
}

function Labels({ labels, height }: { labels: string[]; height: number }) {
  const every = Math.max(1, Math.ceil(labels.length / 8));
  const wide = (W - LEFT) / Math.max(1, labels.length);
  return labels.map((label, index) => index % every === 0 && (
    <text key={index} x={LEFT + wide * (index + 0.5)} y={height - 5} textAnchor="middle" {...axisText}>{label}</text>
  ));
}

export function StackedBars({ title, labels, series, unit }: { title: string; labels: string[]; series: Series[]; unit: string }) {
  const sums = labels.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  const ticks = scale(Math.max(0, ...sums));
  const most = ticks.at(-1) ?? 1;
  const inner = H - TOP - BOTTOM, wide = (W - LEFT) / Math.max(1, labels.length);
  const summary = series.map(({ name, values }) => `${name} ${values.reduce((a, b) => a + b, 0)}`).join(", ");
  return (
    <Frame title={title} summary={`${summary} ${unit}`} legend={series} head={["Time", ...series.map(({ name }) => name)]}
      rows={labels.map((label, index) => [label, ...series.map(({ values }) => values[index] ?? 0)])}>
      <Grid ticks={ticks} most={most} height={H} />
      {labels.map((label, index) => {
        let top = TOP + inner;
        return (
          <g key={index}>
            <title>{`${label}: ${series.map(({ name, values }) => `${name} ${values[index] ?? 0}`).join(", ")}`}</title>
            {series.map(({ name, color, values }) => {
              const tall = ((values[index] ?? 0) / most) * inner;
              top -= tall;
              return tall > 0 && <rect key={name} x={LEFT + wide * index + wide * 0.15} y={top} width={wide * 0.7} height={tall} fill={color} />;
            })}
          </g>
        );
      })}
      <Labels labels={labels} height={H} />
    </Frame>
  );
}

export function Lines({ title, labels, series, unit }: { title: string; labels: string[]; series: Series[]; unit: string }) {
  const ticks = scale(Math.max(0, ...series.flatMap(({ values }) => values)));
  const most = ticks.at(-1) ?? 1;
  const inner = H - TOP - BOTTOM, wide = (W - LEFT) / Math.max(1, labels.length);
  const summary = series.map(({ name, values }) => `${name} at most ${Math.max(0, ...values)} ${unit}`).join(", ");
  return (
    <Frame title={title} summary={summary} legend={series} head={["Time", ...series.map(({ name }) => name)]}
      rows={labels.map((label, index) => [label, ...series.map(({ values }) => values[index] ?? 0)])}>
      <Grid ticks={ticks} most={most} height={H} />
      {series.map(({ name, color, values }, index) => (
        <polyline key={name} fill="none" stroke={color} strokeWidth="2" strokeDasharray={index === 1 ? "5 4" : undefined}
          points={values.map((value, at) => `${LEFT + wide * (at + 0.5)},${TOP + inner - (value / most) * inner}`).join(" ")} />
      ))}
      <Labels labels={labels} height={H} />
    </Frame>
  );
}

/** One row per name: the whole, and the part of it that is well. */
export function Rows({ title, rows, whole, part }: { title: string; rows: { name: string; whole: number; part: number }[]; whole: string; part: string }) {
  const most = Math.max(1, ...rows.map((row) => row.whole));
  const height = rows.length * 24 + 4;
  return (
    <Frame title={title} height={height} head={["Name", whole, part, "Share"]} summary={rows.map((row) => `${row.name} ${row.part} of ${row.whole}`).join(", ")}
      rows={rows.map((row) => [row.name, row.whole, row.part, row.whole ? `${Math.round((100 * row.part) / row.whole)} %` : "–"])}>
      {rows.map((row, index) => (
        <g key={row.name} transform={`translate(0 ${index * 24})`}>
          <title>{`${row.name}: ${row.part} of ${row.whole}`}</title>
          <text x={210} y={16} textAnchor="end" fontSize={12} fill="var(--text)">{row.name.length > 32 ? `${row.name.slice(0, 31)}…` : row.name}</text>
          <rect x={220} y={5} width={(340 * row.whole) / most} height={14} rx="2" fill="var(--surface-2)" stroke="var(--line-strong)" strokeWidth="0.6" />
          <rect x={220} y={5} width={(340 * row.part) / most} height={14} rx="2" fill="var(--ok)" />
          <text x={228 + (340 * row.whole) / most} y={16} fontSize={12} fill="var(--muted)">{`${row.part}/${row.whole}`}</text>
        </g>
      ))}
    </Frame>
  );
}
