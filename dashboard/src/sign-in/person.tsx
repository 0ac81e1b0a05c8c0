/** Who is signed in, what they may do, and the way out. */
import { type Me, rolesOf } from "../api/me";
import { Icon } from "../ui/icons";
import { Badge } from "../ui/kit";
import { signOut } from "./session";

export default function Person({ me }: { me: Me }) {
  return (
    <details className="relative" data-person={me.name}>
      <summary className="btn btn-quiet px-2" title={`${me.name}: ${rolesOf(me)}`}>
        <Icon name="person" /><span className="sr-only xl:not-sr-only"><span className="block max-w-40 truncate">{me.name}</span></span><span className="label sr-only xl:not-sr-only">{rolesOf(me)}</span>
      </summary>
      <div className="absolute right-0 z-30 mt-2 grid w-64 gap-2 rounded-lg border border-line bg-surface p-3 shadow-lg">
        <p className="font-semibold">{me.name}</p>
        <p className="flex flex-wrap gap-1.5">{me.roles.map((role) => <Badge key={role} tone="idle">{role}</Badge>)}</p>
        <button type="button" className="btn" onClick={() => void signOut()}>Sign out</button>
      </div>
    </details>
  );
}
