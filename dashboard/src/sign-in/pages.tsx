/** What stands where the pages would be, as long as nobody may see them. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { rolesOf, useMe } from "../api/me";
import { Icon, type IconName } from "../ui/icons";
import { useTitle } from "../ui/kit";
import { lookAgain, signIn, signInBeside, signOut, type State } from "./session";

export function Elsewhere({ session }: { session: State }) {
  if (session.is === "out") return <Out why={session.why} />;
  if (session.is === "unknown") return <Unknown why={session.why} />;
  return session.is === "in" ? <NoRole /> : null;
}

function Calm({ title, icon, children }: { title: string; icon: IconName; children: ReactNode }) {
  return (
    <div className="mx-auto grid max-w-[46ch] justify-items-center gap-3 px-4 py-24 text-center">
      <img src="/favicon.svg" alt="Mend" width="40" height="40" />
      <h1 tabIndex={-1} className="text-xl font-semibold"><Icon name={icon} className="mr-2 inline text-muted" />{title}</h1>
      {children}
    </div>
  );
}

function Out({ why }: { why: string }) {
  const title = why ? "Signed out" : "Sign in";
  useTitle(title);
  return (
    <main><Calm title={title} icon="person">
      <p role="status" className="text-muted">{why || "Mend shows failed data pipelines to those who look after them."} Afterwards you are where you wanted to go.</p>
      <button type="button" className="btn btn-primary" onClick={() => void signIn()}>{why ? "Sign in again" : "Sign in"}</button>
    </Calm></main>
  );
}

/** Over the page, which keeps everything that was typed, and where nothing can be read or done meanwhile. */
export function Over({ why }: { why: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  const [blocked, setBlocked] = useState(false);
  useEffect(() => { if (ref.current && !ref.current.open) ref.current.showModal(); }, []);
  return (
    <dialog ref={ref} aria-label="Signed out" onCancel={(event) => event.preventDefault()} onClose={() => ref.current?.showModal()}
      className="m-0 h-dvh max-h-none w-screen max-w-none border-0 bg-bg p-0">
      <Calm title="Signed out" icon="person">
        <p role="status" className="text-muted">{why} What you typed is still here, and you go on where you were.</p>
        <button type="button" autoFocus className="btn btn-primary" onClick={() => setBlocked(!signInBeside())}>Sign in again</button>
        {blocked && (
          <>
            <p role="alert">This browser opens no second window. Signed in here, you come back to this page without what you typed.</p>
            <button type="button" className="btn" onClick={() => void signIn()}>Sign in here</button>
          </>
        )}
      </Calm>
    </dialog>
  );
}

function Unknown({ why }: { why: string }) {
  useTitle("No answer");
  return (
    <main><Calm title="No answer" icon="warning">
      <p role="alert" className="text-muted">{why}</p>
      <button type="button" className="btn btn-primary" onClick={() => location.reload()}>Try again</button>
    </Calm></main>
  );
}

function NoRole() {
  const me = useMe();
  useTitle("No access");
  return (
    <main><Calm title="You have no role in Mend" icon="lock">
      <p className="text-muted">You are signed in as <strong className="text-text">{me?.name}</strong>, with {me && rolesOf(me)}. To look at tickets you need the role <strong className="text-text">viewer</strong> (<span className="code">Mend.Viewer</span>): whoever administers Mend gives it to you in Entra ID.</p>
      <div className="flex gap-2">
        <button type="button" className="btn btn-primary" onClick={() => void lookAgain()}>Look again</button>
        <button type="button" className="btn" onClick={() => void signOut()}>Sign out</button>
      </div>
    </Calm></main>
  );
}
