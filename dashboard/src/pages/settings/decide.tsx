/** Whether and how much Mend acts. */
import { Needs } from "../../ui/needs";
import type { Ask } from "./change";
import { Limits } from "./limits";
import { BySeverity, Mode } from "./mode";
import { KillSwitch } from "./stops";

export default function Decide({ ask }: { ask: Ask }) {
  return (
    <div className="grid gap-4 xl:grid-cols-2">
      <Needs role="admin"><Mode ask={ask} /></Needs><KillSwitch ask={ask} />
      <div className="grid gap-4 xl:col-span-2"><Needs role="admin"><BySeverity ask={ask} /><Limits ask={ask} /></Needs></div>
    </div>
  );
}
