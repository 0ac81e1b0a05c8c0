"""Ask people, take their word once, and let time never say yes.

Everything is one compare-and-set on the ticket: of all who decide, expire or revoke at the
same instant exactly one gets through, and the others are told who did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.actions.catalogue import plan_for, spec_of
from shared.diagnosis.redact import redact
from shared.domain.analysis import Action, Risk
from shared.domain.approval import (
    Approval,
    ApprovalStatus,
    DecisionWord,
    Delegation,
    Plan,
    Vote,
    approval_id,
    ticket_of,
)
from shared.domain.decision import Effect
from shared.domain.errors import AlreadyDecided, Forbidden, InvalidInput, NotFound, PlanChanged
from shared.domain.identity import LOCAL
from shared.domain.ticket import Change, Status, Ticket
from shared.ports.clock import Clock
from shared.ports.tickets import TicketStore

EXECUTE_WITHIN = timedelta(minutes=30)
REMIND_AT = (0.25, 0.5, 0.75)
MAX_QUESTIONS = 20
_MAX_DELEGATIONS = 10
MAX_REASON_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says about one question."""

    decision: DecisionWord
    by: str
    reason: str = ""
    plan_hash: str | None = None
    via: str = "api"
    oid: str = ""
    proven_until: datetime | None = None

    def is_of(self, vote: Vote) -> bool:
        """Tell whether the same person has given ``vote``; a name alone may be of two."""
        if self.oid and vote.oid:
            return self.oid == vote.oid
        return self.by == vote.by


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and when it runs out."""

    approval: Approval
    is_new: bool


class Store(TicketStore, Protocol):
    """What is read and written here."""


def plan_of(ticket: Ticket, *, risk: Risk, action: Action | None = None) -> Plan | None:
    """Return what is to be done next; ``None`` if that cannot be said."""
    seen, decision = ticket.observation, ticket.decision
    chosen = action or (decision.action if decision else None)
    if seen is None or seen.run is None or chosen is None:
        return None
    spec = spec_of(ticket.platform, chosen)
    if spec is None:
        return None
    return Plan(
        action=spec.action,
        target=seen.run.target,
        scope=ticket.resource.scope,
        run_id=seen.run.run_id,
        risk=risk,
        steps=tuple(plan_for(spec, seen, by_logic_app=False)),
        attempt_number=len(ticket.attempts) + 1,
        signature=ticket.analysis.signature if ticket.analysis else None,
    )


async def request_approval(
    ticket_id: str,
    store: Store,
    clock: Clock,
    *,
    time_to_decide: timedelta,
    quorum: int = 1,
    quorum_if_high: int = 1,
) -> Approval | None:
    """Ask about the plan of the ticket's last decision. Safe to repeat.

    ``quorum_if_high``: how many have to agree at least to what is of high risk.

    ``None``: the ticket has ended meanwhile, or nothing can be asked about.
    """
    found: list[Approval | None] = [None]

    def ask(current: Ticket) -> Change | None:
        found[0] = None
        if current.status.is_final or current.decision is None:
            return None
        plan = plan_of(current, risk=current.decision.risk)
        if plan is None or len(current.approvals) >= MAX_QUESTIONS:
            return None
        wanted = max(quorum, quorum_if_high) if plan.risk is Risk.HIGH else quorum
        present = current.approval
        same = present is not None and present.plan_hash == plan.hash and present.quorum >= wanted
        if present is not None and same and _stands(present, clock):
            found[0] = present
            return None
        asked = _question(current, plan, clock.now(), time_to_decide, wanted)
        found[0] = asked
        earlier = current.approvals if present is None else (*current.approvals, _ended(present))
        verb = "the plan has changed: asked again" if present is not None else "asked"
        return current.changed(
            clock.now(),
            "approval.requested",
            f"{verb} whether to do {plan.action} of {plan.target}, of {plan.risk} risk",
            data={"approval_id": asked.id, "plan_hash": asked.plan_hash, "quorum": wanted},
            status=Status.AWAITING_APPROVAL,
            approval=asked,
            approvals=earlier,
        )

    await store.update(ticket_id, ask)
    return found[0]


def _stands(present: Approval, clock: Clock) -> bool:
    pending = present.status is ApprovalStatus.PENDING and clock.now() < present.expires_at
    return pending or present.is_good_for(present.plan, clock.now())


def _ended(present: Approval) -> Approval:
    if present.status is ApprovalStatus.PENDING:
        return present.model_copy(update={"status": ApprovalStatus.REVOKED})
    return present


def _question(
    ticket: Ticket, plan: Plan, now: datetime, time_to_decide: timedelta, quorum: int
) -> Approval:
    number = len(ticket.approvals) + (ticket.approval is not None) + 1
    reasons = ticket.decision.reasons if ticket.decision else ()
    return Approval(
        id=approval_id(ticket.id, number),
        ticket_id=ticket.id,
        number=number,
        plan=plan,
        plan_hash=plan.hash,
        reasons=tuple(one.text for one in reasons if one.verdict == Effect.ASK),
        quorum=quorum,
        requested_at=now,
        expires_at=now + time_to_decide,
    )


async def find_approval(id_: str, store: TicketStore) -> tuple[Approval, Ticket]:
    """Return a question and its ticket.

    Raises:
        NotFound: there is none.
    """
    ticket_id = ticket_of(id_)
    ticket = await store.find(ticket_id) if ticket_id else None
    if ticket is not None:
        for one in (ticket.approval, *ticket.approvals):
            if one is not None and one.id == id_:
                return one, ticket
    raise NotFound(f"there is no approval {id_!r}")


async def decide_approval(id_: str, answer: Answer, store: TicketStore, clock: Clock) -> Approval:
    """Take one person's word.

    Raises:
        NotFound: there is no such question.
        AlreadyDecided: it is decided, has run out, or was taken back; the text says by whom.
        PlanChanged: it is about another plan than the one the person has seen.
        InvalidInput: a rejection without a reason.
        Forbidden: the person asked for it themselves, or has agreed before.
    """
    if answer.decision is DecisionWord.REJECT and not answer.reason.strip():
        raise InvalidInput("say why, in a few words", field="reason")
    if len(answer.reason) > MAX_REASON_CHARS:
        raise InvalidInput(f"at most {MAX_REASON_CHARS} characters", field="reason")
    _, ticket = await find_approval(id_, store)

    def vote(current: Ticket) -> Change:
        present = _pending(id_, current, clock)
        if answer.plan_hash is not None and answer.plan_hash != present.plan_hash:
            raise PlanChanged("the plan is another one by now; read it again before you decide")
        if any(answer.is_of(one) for one in present.votes):
            raise Forbidden(f"{answer.by} has agreed already; somebody else has to as well")
        if answer.decision is DecisionWord.APPROVE and _asked_for_it(answer, current):
            raise Forbidden(
                "whoever has asked for this may not agree to it; somebody else has to agree, and "
                "to sign in for it"
            )
        return _voted(current, present, answer, clock.now())

    changed = await store.update(ticket.id, vote)
    decided = changed.approval
    if decided is None:
        raise NotFound(f"there is no approval {id_!r}")
    return decided


def _asked_for_it(answer: Answer, ticket: Ticket) -> bool:
    """Tell whether one person may be asking and agreeing.

    Who only holds a link could be anybody. Where nobody signs in, all are one person.
    """
    asking = (ticket.requested_by, ticket.wish.by if ticket.wish else None)
    asked = {one.oid for one in asking if one is not None} - {"", LOCAL.oid}
    return bool(asked) and answer.oid in asked | {""}


def _voted(current: Ticket, present: Approval, answer: Answer, now: datetime) -> Change:
    said = Vote(
        by=answer.by,
        oid=answer.oid,
        decision=answer.decision,
        reason=redact(answer.reason.strip()),
        at=now,
        via=answer.via,
        proven_until=answer.proven_until,
    )
    votes = (*present.votes, said)
    rejects = answer.decision is DecisionWord.REJECT
    enough = not rejects and len(votes) >= present.quorum
    update: dict[str, object] = {"votes": votes}
    if rejects or enough:
        status = ApprovalStatus.REJECTED if rejects else ApprovalStatus.APPROVED
        update |= {
            "status": status,
            "decided_at": now,
            "decided_by": answer.by,
            "reason": said.reason,
            "execute_by": None if rejects else now + EXECUTE_WITHIN,
        }
    kind = "rejected" if rejects else "approved" if enough else "vote"
    why = f": {said.reason}" if said.reason else ""
    missing = "" if rejects or enough else f"; {present.quorum - len(votes)} more needed"
    return current.changed(
        now,
        f"approval.{kind}",
        f"{answer.by} says {answer.decision}{why}{missing}",
        data={
            "approval_id": present.id,
            "plan_hash": present.plan_hash,
            "decision": answer.decision,
            "reason": said.reason,
            "oid": answer.oid,
            "via": answer.via,
        },
        actor=answer.by,
        approval=present.model_copy(update=update),
    )


def _pending(id_: str, current: Ticket, clock: Clock) -> Approval:
    """Return the question if it can still be decided."""
    present = current.approval
    if present is None or present.id != id_:
        raise AlreadyDecided(f"{id_} was taken back: the plan has changed, or is no longer needed")
    if present.status is not ApprovalStatus.PENDING:
        when = f"{present.decided_at:%Y-%m-%d %H:%M:%S} UTC" if present.decided_at else "before"
        who = present.decided_by or "nobody in time"
        raise AlreadyDecided(f"{id_} is {present.status} already: {who}, {when}")
    if current.status.is_final:
        raise AlreadyDecided(f"{current.id} has ended meanwhile, as {current.outcome}")
    if clock.now() >= present.expires_at:
        raise AlreadyDecided(f"{id_} has run out at {present.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    return present


async def delegate_approval(
    id_: str, to: str, *, by: str, store: TicketStore, clock: Clock, reason: str = ""
) -> Approval:
    """Let ``to`` decide as well.

    Raises:
        NotFound, AlreadyDecided: as :func:`decide_approval`.
        InvalidInput: to nobody, to oneself, or too often.
    """
    name, why = to.strip(), redact(reason.strip())
    _, ticket = await find_approval(id_, store)

    def hand_on(current: Ticket) -> Change:
        present = _pending(id_, current, clock)
        if not name or name == by:
            raise InvalidInput("name somebody else", field="to")
        if len(present.delegations) >= _MAX_DELEGATIONS:
            raise InvalidInput("it was handed on too often already", field="to")
        handed = (*present.delegations, Delegation(by=by, to=name, at=clock.now()))
        return current.changed(
            clock.now(),
            "approval.delegated",
            f"{by} lets {name} decide" + (f": {why}" if why else ""),
            data={"approval_id": id_, "to": name, "reason": why},
            actor=by,
            approval=present.model_copy(update={"delegations": handed}),
        )

    changed = await store.update(ticket.id, hand_on)
    return changed.approval or _missing(id_)


def _missing(id_: str) -> Approval:
    raise NotFound(f"there is no approval {id_!r}")


async def look_at_approval(
    ticket_id: str, id_: str, store: TicketStore, clock: Clock
) -> ApprovalStatus:
    """Return how the question stands; lets it run out when its time is up, and reminds."""
    ticket = await store.get(ticket_id)
    present = ticket.approval
    if present is None or present.id != id_ or ticket.status.is_final:
        return ApprovalStatus.REVOKED
    if present.status is not ApprovalStatus.PENDING:
        return present.status
    change = _by_the_clock(id_, clock)
    changed = await store.update(ticket_id, change)
    after = changed.approval
    return after.status if after is not None and after.id == id_ else ApprovalStatus.REVOKED


def _by_the_clock(id_: str, clock: Clock) -> Callable[[Ticket], Change | None]:
    def decide(current: Ticket) -> Change | None:
        present, now = current.approval, clock.now()
        if present is None or present.id != id_ or current.status.is_final:
            return None
        if present.status is not ApprovalStatus.PENDING:
            return None
        if now >= present.expires_at:
            expired = present.model_copy(
                update={"status": ApprovalStatus.EXPIRED, "decided_at": now}
            )
            message = "nobody has decided in time, which is a no"
            data: dict[str, object] = {"approval_id": id_}
            return current.changed(now, "approval.expired", message, data=data, approval=expired)
        share = (now - present.requested_at) / (present.expires_at - present.requested_at)
        due = sum(share >= at for at in REMIND_AT)
        if due <= present.reminders:
            return None
        minutes = (present.expires_at - now).total_seconds() / 60
        return current.changed(
            now,
            "approval.reminder",
            f"still waits for a decision; {minutes:.0f} min are left",
            data={"approval_id": id_, "reminder": due},
            approval=present.model_copy(update={"reminders": due}),
        )

    return decide
