/** What Mend depends on: where it is, what is shown there, and whether it answers. Never a secret. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schemas } from "../../api/client";
import { connectionsQuery, inventoryQuery } from "../../api/queries";
import { Icon } from "../../ui/icons";
import { Ago, Badge, Card, Empty, ErrorPanel, Facts, Loaded, say } from "../../ui/kit";

type Tried = Schemas["Tried"];
type State = { busy: true } | { tried: Tried } | { error: unknown };
const STEPS: Record<string, string> = { answers: "Answers", signs_in: "Accepts the credential", reads: "Lets Mend read" };

export default function Connections() {
  const { isPending } = useQuery(connectionsQuery);
  return <div className="grid gap-4"><List />{!isPending && <Inventory />}</div>; // what comes later never moves
}

function List() {
  const connections = useQuery(connectionsQuery);
  const [states, setStates] = useState<Record<string, State>>({});
  async function test(name: string): Promise<boolean> {
    const become = (state: State) => setStates((now) => ({ ...now, [name]: state }));
    become({ busy: true });
    try {
      const tried = await data(api.POST("/v1/connections/{name}/test", { params: { path: { name } } }));
      become({ tried });
      return tried.ok;
    } catch (error) {
      become({ error });
      return false;
    }
  }
  async function testAll(names: string[]) {
    const fine = await Promise.all(names.map(test));
    const bad = fine.filter((one) => !one).length;
    say(bad ? `${bad} of ${fine.length} do not work` : "Everything answers", bad ? "err" : "ok");
  }
  return (
    <Card title="Connections" aside={connections.data && <button type="button" className="btn" onClick={() => void testAll(connections.data.items.map(({ name }) => name))}>Test all</button>}>
      <div className="min-h-48"><Loaded of={connections} rows={4}>{({ items }) => (
        <>
          <ul className="grid gap-3 lg:grid-cols-2">{items.map((one) => <Connection key={one.name} connection={one} state={states[one.name]} onTest={() => void test(one.name)} />)}</ul>
          <p className="label mt-3">A test reads something small with the credential that is always used, and changes nothing. Credentials are never shown here, not even to those who set them.</p>
        </>
      )}</Loaded></div>
    </Card>
  );
}

function Connection({ connection, state, onTest }: { connection: Schemas["ConnectionShown"]; state: State | undefined; onTest: () => void }) {
  const busy = state !== undefined && "busy" in state, tried = state && "tried" in state ? state.tried : undefined;
  return (
    <li className="rounded-lg border border-line p-3" data-connection={connection.name}>
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="font-semibold">{connection.title}</h3>
        {tried && <Badge tone={tried.ok ? "ok" : "err"} icon={tried.ok ? "check" : "cross"}>{tried.ok ? `Works, ${tried.latency_ms} ms` : "Does not work"}</Badge>}
        <button type="button" className="btn ml-auto" disabled={busy} onClick={onTest} aria-label={`Test ${connection.title}`}>{busy && <Icon name="spinner" className="spin" />}Test</button>
      </div>
      <div className="mt-2"><Facts of={[["Where", connection.where || "–"], ["Credential", <span key="c" className={connection.credential.includes(" ") ? "" : "code"}>{connection.credential}</span>], ["A test reads", connection.reads]]} /></div>
      <div role="status">
        {state && "error" in state && <div className="mt-3"><ErrorPanel error={state.error} retry={onTest} /></div>}
        {tried && (
          <ol className="mt-3 grid gap-1.5 border-t border-line pt-3">{tried.checks.map((check) => (
            <li key={check.name} className="flex items-start gap-2">
              <Icon name={check.ok === null ? "dashed" : check.ok ? "check" : "cross"} size={14} className={`mt-1 ${check.ok === null ? "text-muted" : check.ok ? "text-ok" : "text-err"}`} />
              <span className={check.ok === null ? "text-muted" : ""}>{STEPS[check.name] ?? check.name}<span className="sr-only">: {check.ok === null ? "not tried" : check.ok ? "yes" : "no"}</span>
                {check.detail && <span className="label block first-letter:uppercase">{check.detail}</span>}{check.advice && <strong className="block">{check.advice}</strong>}</span>
            </li>
          ))}<li className="label">Tried <Ago at={tried.at} /></li></ol>
        )}
      </div>
    </li>
  );
}

function Inventory() {
  const inventory = useQuery(inventoryQuery);
  return (
    <Card title="Servers known by name">
      <Loaded of={inventory}>{({ items }) => (items.length === 0 ? <Empty title="None yet" icon="plug">Names found in tickets are matched with this list; <span className="code">PUT /api/v1/settings/inventory</span> writes it.</Empty> : (
        <ul className="max-h-72 overflow-auto" tabIndex={0} aria-label="Inventory">{items.map((item) => <li key={item.name} className="border-b border-line py-1">{item.name}</li>)}</ul>
      ))}</Loaded>
    </Card>
  );
}
