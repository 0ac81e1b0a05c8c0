/** Places that are kept for what comes later, and the place that is none. */
import { Link } from "@tanstack/react-router";
import { Empty, NotYet, PageHead, useTitle } from "../ui/kit";

export function NotFound() {
  useTitle("Not found");
  return <><PageHead title="There is no such page" /><div className="card"><Empty title="Nothing here" icon="search">The address leads nowhere. <Link to="/tickets">See all tickets</Link> or press Ctrl K.</Empty></div></>;
}

export function runbooks() {
  useTitle("Runbooks");
  return <><PageHead title="Runbooks" lead="Steps for a kind of failure, written down once and matched to tickets." /><div className="card"><NotYet what="Runbooks">Mend acts by its catalogue of actions today; what runbooks match a ticket will be shown here and on the ticket.</NotYet></div></>;
}

export function executions() {
  useTitle("Executions");
  return <><PageHead title="Executions" lead="Every run of a runbook, step by step." /><div className="card"><NotYet what="Executions">What Mend did about a ticket is on the ticket, under <em>Attempts</em>. <Link to="/tickets">See tickets</Link></NotYet></div></>;
}

export function connectors() {
  useTitle("Connectors");
  return <><PageHead title="Connectors" lead="The systems that report to Mend, and those it acts on." /><div className="card"><NotYet what="Connectors">What arrives, and from whom, is under <Link to="/intake">Intake</Link>; what Mend depends on, and whether it answers, under <Link to="/settings" search={{ tab: "connections" }}>Settings</Link>.</NotYet></div></>;
}
