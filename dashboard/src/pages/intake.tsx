/** What arrived, what became of it, and what is left over. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { useWhyNot } from "../api/me";
import { countsQuery, deadLettersQuery } from "../api/queries";
import { Ago, Badge, Card, Confirm, Dialog, Empty, Facts, Loaded, PageHead, say, useTitle, type Asked } from "../ui/kit";
import { words } from "../words";

type Delivery = Schemas["DeliveryShown"];
const COLUMNS = ["received", "opened", "duplicate", "ignored", "rejected", "dead_lettered", "unaccounted"] as const;

export default function Intake() {
  useTitle("Intake");
  const [hours, setHours] = useState(24);
  const counts = useQuery(countsQuery(hours)), dead = useQuery(deadLettersQuery);
  const queries = useQueryClient();
  const whyNot = useWhyNot("operator");
  const [asked, setAsked] = useState<Asked | null>(null);
  const [shown, setShown] = useState<Delivery | null>(null);
  const look = async (id: string) => setShown(await data(api.GET("/v1/intake/deliveries/{delivery_id}", { params: { path: { delivery_id: id } } })));
  const act = (delivery: Delivery, what: "redrive" | "discard") => setAsked({
    title: what === "redrive" ? "Deal with it once more?" : "Take it off the list?", confirm: what === "redrive" ? "Redrive" : "Discard", danger: what === "discard", reason: 0,
    children: <p><span className="code">{delivery.id}</span> from {words(delivery.source)}. {what === "redrive" ? "What was dealt with already is not dealt with again." : "The delivery itself is kept."}</p>,
    run: async (reason) => {
      const params = { params: { path: { delivery_id: delivery.id } }, body: { reason } };
      if (what === "redrive") await data(api.POST("/v1/intake/dead-letters/{delivery_id}/redrive", params));
      else await data(api.POST("/v1/intake/dead-letters/{delivery_id}/discard", params));
      say(what === "redrive" ? "Dealt with" : "Discarded");
      await queries.invalidateQueries();
    },
  });
  return (
    <>
      <PageHead title="Intake" lead="Every delivery is kept and counted; what could not be read waits here.">
        <label><span className="sr-only">Range</span><select className="control" value={hours} onChange={(event) => setHours(Number(event.target.value))}><option value={24}>24 hours</option><option value={168}>7 days</option><option value={744}>31 days</option></select></label>
      </PageHead>
      <div className="grid gap-4">
        <Card title="Dead letters" pad={false} aside={whyNot && <span className="label">{whyNot}</span>}>
          <div className="min-h-[164px]"><Loaded of={dead} rows={3}>{({ items }) => (items.length === 0 ? <Empty title="No dead letters" icon="check">Everything that arrived was understood.</Empty> : (
            <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Dead letters">
              <table className="table"><caption className="sr-only">Dead letters</caption><thead><tr><th scope="col">Received</th><th scope="col">Source</th><th scope="col">State</th><th scope="col" className="w-1/3">Why</th><th scope="col">Tries</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
                <tbody>{items.map((one) => (
                  <tr key={one.id}><td><Ago at={one.received_at} /></td><td>{words(one.source)}</td><td><Badge tone="warn" icon="inbox">{words(one.state)}</Badge></td><td>{one.reason || "–"}</td><td>{one.tries}</td>
                    <td><div className="flex justify-end gap-2"><button type="button" className="btn" onClick={() => void look(one.id)}>Look</button><button type="button" className="btn" disabled={whyNot !== undefined} title={whyNot} onClick={() => act(one, "redrive")}>Redrive</button><button type="button" className="btn btn-danger" disabled={whyNot !== undefined} title={whyNot} onClick={() => act(one, "discard")}>Discard</button></div></td></tr>
                ))}</tbody></table>
            </div>
          ))}</Loaded></div>
        </Card>
        <Card title="By source" pad={false}>
          <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Counts by source">
            <Loaded of={counts} rows={4}>{({ items, total }) => {
              const sources = [...new Set(items.map(({ source }) => source))].sort();
              if (sources.length === 0) return <Empty title="Nothing arrived in this time" />;
              const cell = (value: number, name: string) => <td key={name} className={value > 0 && (name === "dead_lettered" || name === "unaccounted" || name === "rejected") ? "font-semibold text-err" : ""}>{value}</td>;
              return (
                <table className="table"><caption className="sr-only">Alerts by source</caption>
                  <thead><tr><th scope="col">Source</th>{COLUMNS.map((name) => <th key={name} scope="col">{name === "unaccounted" ? "On their way" : words(name)}</th>)}</tr></thead>
                  <tbody>
                    {sources.map((source) => <tr key={source}><th scope="row">{words(source)}</th>{COLUMNS.map((name) => cell(items.filter((one) => one.source === source).reduce((sum, one) => sum + one[name], 0), name))}</tr>)}
                    <tr className="font-semibold"><th scope="row">All</th>{COLUMNS.map((name) => cell(total[name], name))}</tr>
                  </tbody></table>
              );
            }}</Loaded>
          </div>
        </Card>
      </div>
      <Confirm asked={asked} onClose={() => setAsked(null)} />
      <Dialog open={shown !== null} onClose={() => setShown(null)} title="One delivery" wide>
        {shown && <div className="grid gap-3"><Facts of={[["Id", <span key="i" className="code">{shown.id}</span>], ["Source", words(shown.source)], ["State", words(shown.state)], ["Why", shown.reason || "–"], ["Alerts in it", String(shown.alerts)]]} />
          <pre className="code max-h-80 overflow-auto rounded bg-surface-2 p-3 whitespace-pre-wrap" tabIndex={0}>{shown.body || "(empty)"}</pre>
          <div className="flex justify-end"><button type="button" className="btn" onClick={() => setShown(null)}>Close</button></div></div>}
      </Dialog>
    </>
  );
}
