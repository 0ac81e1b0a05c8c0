/** What a role may not do is still shown, switched off, and says which role it takes. */
import { type ReactNode, useId } from "react";
import { type Role, useWhyNot } from "../api/me";
import { Icon } from "./icons";

export function Needs({ role, row = false, children }: { role: Role; row?: boolean; children: ReactNode }) {
  const why = useWhyNot(role), id = useId();
  if (!why) return children;
  return (
    <div className={row ? "flex flex-wrap items-center gap-2" : "grid gap-3"}>
      <p id={id} className="label flex items-center gap-1.5"><Icon name="lock" size={14} />{why}</p>
      <fieldset disabled aria-describedby={id} className="contents">{children}</fieldset>
    </div>
  );
}
