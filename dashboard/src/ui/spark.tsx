/** A tiny trend; decoration beside a number. */
export function Spark({ values, color = "var(--accent)" }: { values: number[]; color?: string }) {
  const most = Math.max(1, ...values), wide = 96 / Math.max(1, values.length);
  return (
    <svg viewBox="0 0 96 24" className="h-6 w-20 min-w-0" aria-hidden="true">
      {values.map((value, index) => {
        const tall = Math.max(value > 0 ? 2 : 0.5, (value / most) * 24);
        return <rect key={index} x={index * wide} y={24 - tall} width={Math.max(1, wide - 1)} height={tall} fill={value > 0 ? color : "var(--line)"} />;
      })}
    </svg>
  );
}
