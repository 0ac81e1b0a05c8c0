/** The kill switch: for everything, or for one pipeline, environment or action. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import { killSwitchQuery } from "../../api/queries";
import { Badge, Card, Field, Loaded, say } from "../../ui/kit";
import { Needs } from "../../ui/needs";
import { words } from "../../words";
import { ACTIONS, type Ask } from "./change";

const KINDS = { target: "Pipeline or job", environment: "Environment", action: "Action" } as const;
type Kind = keyof typeof KINDS;

export function KillSwitch({ ask }: { ask: Ask }) {
  const kill = useQuery(killSwitchQuery);
  const queries = useQueryClient();
  const [kind, setKind] = useState<Kind>("target");
  const [name, setName] = useState("");
  const flip = (on: boolean, scope: string) => ask({
    title: on ? (scope === "global" ? "Stop every action?" : `Stop ${scope}?`) : "Let actions go on?", confirm: on ? "Turn the kill switch on" : "Turn it off", danger: true, reason: 5, typed: on && scope === "global" ? "stop" : undefined,
    children: <p>{on ? `From this moment nothing is sent${scope === "global" ? " to any platform" : ` for ${scope}`}. Alerts are still taken in, tickets are kept, and what is under way is watched.` : "What waits is decided anew; nothing is sent without its rules."}</p>,
    run: async (reason) => {
      await data(api.PUT("/v1/settings/kill-switch", { body: { scope, on, reason } as never }));
      say(on ? "Kill switch is on" : "Kill switch is off");
      setName("");
      await queries.invalidateQueries();
    },
  });
  return (
    <Card title="Kill switch">
      <div className="min-h-[216px]"><Loaded of={kill}>{(now) => (
        <div className="grid gap-5">
          <div className="flex flex-wrap items-center justify-between gap-3">
            <p>{now.on ? <><Badge tone="err" icon="stop">On: nothing is sent</Badge> {now.reason}</> : <><Badge tone="ok" icon="check">Off</Badge> actions go out, as policy has it.</>}</p>
            <Needs role={now.on ? "admin" : "operator"} row><button type="button" className={`btn ${now.on ? "" : "btn-danger"}`} onClick={() => flip(!now.on, "global")}>{now.on ? "Turn it off …" : "Stop everything …"}</button></Needs>
          </div>
          <div>
            <h3 className="label mb-1.5">Narrower stops</h3>
            {now.others?.length ? (
              <Needs role="admin"><ul className="grid gap-2">{now.others.map((one) => <li key={one.scope} className="flex flex-wrap items-center justify-between gap-2"><span><Badge tone="err" icon="stop">{one.scope}</Badge> <span className="text-muted">{one.reason}</span></span><button type="button" className="btn" aria-label={`Turn ${one.scope} off`} onClick={() => flip(false, one.scope)}>Turn off …</button></li>)}</ul></Needs>
            ) : <p className="text-muted">None. One pipeline, environment or action can be stopped while everything else goes on.</p>}
          </div>
          <Needs role="operator"><form className="flex flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); flip(true, `${kind}:${name.trim()}`); }}>
            <Field label="Stop one">{(props) => <select {...props} className="control" value={kind} onChange={(event) => { setKind(event.target.value as Kind); setName(""); }}>{Object.entries(KINDS).map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select>}</Field>
            <Field label="Its name">{(props) => (kind === "action"
              ? <select {...props} className="control" required value={name} onChange={(event) => setName(event.target.value)}><option value="">Choose</option>{ACTIONS.map((one) => <option key={one} value={one}>{words(one)}</option>)}</select>
              : <input {...props} className="control w-44" required maxLength={250} value={name} onChange={(event) => setName(event.target.value)} />)}</Field>
            <button type="submit" className="btn btn-danger">Stop …</button>
          </form></Needs>
        </div>
      )}</Loaded></div>
    </Card>
  );
}
