/** Sixteen-pixel line icons; decoration only, the word beside them speaks. */
const PATHS = {
  home: "M2.5 7.5 8 3l5.5 4.5V13h-4V9.5h-3V13h-4z",
  tickets: "M2.5 4.5h11v2a1.5 1.5 0 0 0 0 3v2h-11v-2a1.5 1.5 0 0 0 0-3zM9.5 5v1.2M9.5 7.4v1.2M9.5 9.8V11",
  approvals: "M8 2.5 13 4v4c0 3-2 4.800-5 5.700C5 12.800 3 11 3 8V4zM5.800 7.800 7.400 9.400 10.300 6.400",
  plus: "M8 3v10M3 8h10",
  upload: "M8 10.500V3M5 5.500 8 2.700l3 2.800M3 10v3h10v-3",
  chart: "M2.500 13.500h11M4 11V8M7 11V4M10 11V6.500M13 11V3",
  signature: "M2.500 12.500h11M3.500 9.500c2-6 4-7 4-4.500s-2 5-1 5 1.500-2 2.500-2 .5 1.500 1.500 1.500 1-.7 2-.7",
  audit: "M4 2.500h6l2.500 2.500v8.500H4zM6 7h4.500M6 9.500h4.500",
  inbox: "M2.500 9.500 4 3.500h8l1.500 6v3.500h-11zM2.500 9.500H6c0 2.500 4 2.500 4 0h3.500",
  settings: "M2.500 5h6.500M12 5h1.500M2.500 11H5M8 11h5.500M10.500 3.500v3M6.500 9.500v3",
  book: "M3 3h4c.6 0 1 .4 1 1v9.500c0-.6-.4-1-1-1H3zM13 3H9c-.6 0-1 .4-1 1v9.500c0-.6.4-1 1-1h4z",
  play: "M5 3.500 12 8l-7 4.500z",
  plug: "M6 2.500v3M10 2.500v3M4.500 5.500h7V8a3.500 3.500 0 0 1-7 0zM8 11.500v2",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.500 10.500l3 3",
  check: "M3 8.500 6.500 12 13 4.500",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.800V8l2.200 1.500",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  person: "M8 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3.500 13.500c.5-3 2-4 4.500-4s4 1 4.500 4",
  robot: "M3.500 6h9v6.500h-9zM8 6V3.500M6 8.500v1M10 8.500v1M6.500 3h3",
  spinner: "M8 2a6 6 0 1 1-6 6",
  dashed: "M8 2a6 6 0 0 1 3 .8M13.200 5A6 6 0 0 1 14 8M13.200 11a6 6 0 0 1-2.200 2.200M8 14a6 6 0 0 1-3-.8M2.800 11A6 6 0 0 1 2 8M2.800 5A6 6 0 0 1 5 2.800",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M3.400 12.600l1-1M11.600 4.400l1-1",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3 5.500 5.500 0 1 0 13 9.500z",
  right: "M6 3.500 10.500 8 6 12.500",
  left: "M10 3.500 5.500 8l4.500 4.500",
  down: "M3.500 6 8 10.500 12.500 6",
  lock: "M4 7.500h8v6H4zM5.500 7.500V5.500a2.500 2.500 0 0 1 5 0v2",
  warning: "M8 2.500 14 13H2zM8 6.500v3M8 11v.5",
  stop: "M5.500 2.500h5l3 3v5l-3 3h-5l-3-3v-5zM8 5v3.500M8 10.500v.5",
  copy: "M6 6h7v7H6zM3 10V3h7v1.500",
  menu: "M2.500 4.500h11M2.500 8h11M2.500 11.500h11",
  keyboard: "M2 4.500h12v7H2zM4.500 7h.5M7.500 7h.5M10.500 7h.5M5 9.500h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16, className = "" }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" className={`shrink-0 ${className}`}
      fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
      <path d={PATHS[name]} />
    </svg>
  );
}
