/** Pages that one role only can use say so, instead of letting somebody type in vain. */
import type { ReactNode } from "react";
import { type Role, useWhyNot } from "../api/me";
import { Empty, PageHead, useTitle } from "./kit";

export function only(role: Role, title: string, Page: () => ReactNode) {
  return function Guarded() {
    const why = useWhyNot(role);
    return why ? <Forbidden title={title} why={why} /> : <Page />;
  };
}

function Forbidden({ title, why }: { title: string; why: string }) {
  useTitle(title);
  return <><PageHead title={title} /><div className="card"><Empty title="Not for your role" icon="lock">{why} Whoever administers Mend gives roles in Entra ID.</Empty></div></>;
}
