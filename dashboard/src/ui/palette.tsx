/** Ctrl K: go anywhere, find a ticket; ?: what the keys do. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ticketsQuery } from "../api/queries";
import { LATER, MORE, PLACES } from "../shell";
import { Icon, type IconName } from "./icons";
import { Dialog } from "./kit";
import { setPrefs, usePrefs } from "./prefs";

interface Choice { label: string; hint: string; icon: IconName; run: () => void }

export default function Palette({ what, onClose }: { what: "commands" | "shortcuts"; onClose: () => void }) {
  return what === "commands" ? <Commands onClose={onClose} /> : <Shortcuts onClose={onClose} />;
}

function Commands({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => {
    const timer = window.setTimeout(() => setAsked(typed.trim()), 150);
    return () => window.clearTimeout(timer);
  }, [typed]);
  const found = useQuery({ ...ticketsQuery({ q: asked }, undefined, undefined, 6), enabled: asked.length >= 2, refetchInterval: false });
  const go = (to: string, search: object = {}) => () => { onClose(); void navigate({ to, search: search as never }); };
  const wanted = typed.trim().toLowerCase();
  const choices: Choice[] = [
    ...[...PLACES, ...MORE, ...LATER].map(({ to, label, icon, key }) => ({ label, icon, hint: key ? `g ${key}` : "", run: go(to) })),
    { label: "Dark theme", hint: "", icon: "moon" as const, run: () => { setPrefs({ theme: "dark" }); onClose(); } },
    { label: "Light theme", hint: "", icon: "sun" as const, run: () => { setPrefs({ theme: "light" }); onClose(); } },
    { label: "Tickets that escalated", hint: "", icon: "person" as const, run: go("/tickets", { status: "escalated" }) },
    { label: "Times in UTC", hint: "", icon: "clock" as const, run: () => { setPrefs({ time: "utc" }); onClose(); } },
    { label: "Times relative to now", hint: "", icon: "clock" as const, run: () => { setPrefs({ time: "relative" }); onClose(); } },
  ].filter(({ label }) => label.toLowerCase().includes(wanted));
  if (asked.length >= 2) {
    for (const one of found.data?.items ?? []) choices.push({ label: one.title, hint: one.id, icon: "tickets", run: go(`/tickets/${one.id}`) });
    choices.push({ label: `All tickets with “${typed.trim()}”`, hint: "", icon: "search", run: go("/tickets", { q: typed.trim() }) });
  }
  const index = Math.min(at, choices.length - 1);
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = index + (event.key === "ArrowDown" ? 1 : -1);
      setAt((next + choices.length) % Math.max(1, choices.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      choices[index]?.run();
    }
  };
  return (
    <Dialog open onClose={onClose} title="Search and commands">
      <input className="control w-full" role="combobox" aria-label="Search or go to" aria-expanded="true" aria-controls="choices" aria-activedescendant={index >= 0 ? `choice-${index}` : undefined}
        autoFocus autoComplete="off" placeholder="A page, a ticket, a pipeline …" value={typed} onKeyDown={onKey} onChange={(event) => { setTyped(event.target.value); setAt(0); }} />
      <ul id="choices" role="listbox" aria-label="Choices" className="mt-2 max-h-80 overflow-auto">
        {choices.map(({ label, hint, icon, run }, number) => (
          <li key={`${label}${hint}`} id={`choice-${number}`} role="option" aria-selected={number === index} onClick={run} onMouseMove={() => setAt(number)}
            className="flex min-h-9 cursor-pointer items-center gap-2 rounded-md px-2 aria-selected:bg-accent-soft aria-selected:text-accent">
            <Icon name={icon} /><span className="truncate">{label}</span><span className="ml-auto text-xs whitespace-nowrap text-muted">{hint}</span>
          </li>
        ))}
        {choices.length === 0 && <li className="p-2 text-muted" role="option" aria-selected="false">Nothing by that name.</li>}
      </ul>
    </Dialog>
  );
}

const KEYS: [string, string][] = [
  ["Ctrl K", "Search and commands"], ["?", "This list"], ["/", "Search in the list"], ["j  k", "Next, previous row"], ["Enter", "Open the row"], ["x", "Select the row"],
  ["n  p", "Next, previous page of the list"], ["a  r", "Approve, reject the marked approval (asks first)"], ...PLACES.map(({ label, key }): [string, string] => [`g ${key ?? ""}`, `Go to ${label}`]), ["g n", "New ticket"],
];

function Shortcuts({ onClose }: { onClose: () => void }) {
  const { shortcuts } = usePrefs();
  return (
    <Dialog open onClose={onClose} title="Keyboard shortcuts">
      <dl className="grid grid-cols-[88px_1fr] gap-y-1.5">
        {KEYS.map(([keys, does]) => (
          <div key={keys} className="contents"><dt><kbd className="rounded border border-line-strong px-1.5 text-xs">{keys}</kbd></dt><dd>{does}</dd></div>
        ))}
      </dl>
      <label className="mt-4 flex items-center gap-2"><input type="checkbox" checked={shortcuts} onChange={(event) => setPrefs({ shortcuts: event.target.checked })} />Single keys do something (never while you type)</label>
      <div className="mt-4 flex justify-end"><button type="button" className="btn" onClick={onClose}>Close</button></div>
    </Dialog>
  );
}
