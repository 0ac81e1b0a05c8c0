"""Gather the facts, let policy decide, keep the record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol

from shared.actions.catalogue import fitting, reruns_everything, spec_of
from shared.domain.alert import CANARY, Platform
from shared.domain.analysis import Action, Analysis, RerunSafety, Risk
from shared.domain.attempt import AttemptOutcome, attempt_key
from shared.domain.decision import Decision, Effect
from shared.domain.limits import LimitReached, Send
from shared.domain.run import Observation
from shared.domain.ticket import Outcome, Ticket
from shared.policy.backoff import Backoff
from shared.policy.decide import decide
from shared.policy.facts import PastAttempt, PolicyFacts
from shared.policy.rules import HOLD_SECONDS
from shared.policy.settings import PolicySettings, Window
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import SendLedger, TicketQuery, TicketStore
from shared.usecases.approvals import plan_of
from shared.usecases.known_outages import outage_of
from shared.usecases.operator_settings import (
    ExecutionMode,
    KillSwitch,
    KillSwitches,
    execution_mode,
    kill_switch,
    policy_settings,
)

_RISK_ORDER = list(Risk)
_MASS_WINDOW = timedelta(minutes=10)
_BREAKER_WINDOW = timedelta(hours=1)
_FLAP_WINDOW = timedelta(minutes=30)
_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0
_MAINTENANCE_LOOK_SECONDS = 900.0
# A yes is good for half an hour: who waits longer than that would ask for ever.
_LONGEST_WAIT_AFTER_YES_SECONDS = 900.0


class Store(TicketStore, SendLedger, SettingsStore, Protocol):
    """All that is read and written here."""


@dataclass(frozen=True, slots=True)
class Next:
    """The decision, the number of the attempt it allows, and how long to wait before it.

    With the outcome ``wait``: how long until it is worth deciding again.
    """

    decision: Decision
    attempt_number: int
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class PolicyDefaults:
    """What the environment says about policy; ``mode`` only until one is stored."""

    mode: ExecutionMode
    max_attempts: int
    backoff: Backoff


async def decide_next(
    ticket_id: str,
    store: Store,
    clock: Clock,
    *,
    defaults: PolicyDefaults,
    random: Callable[[], float],
) -> Next:
    """Decide what happens to the ticket now. Repeating decides again, on the same facts."""
    mode = await execution_mode(store, at_first=defaults.mode)
    stop = await kill_switch(store)
    policy, version = await policy_settings(store)
    ticket = await store.get(ticket_id)
    surroundings = await _surroundings(ticket, policy, store, clock)
    facts = _facts(ticket, mode, stop, policy, surroundings, defaults.max_attempts)
    decision = decide(facts).model_copy(update={"settings_version": version})
    record = {
        "facts": facts.model_dump(mode="json"),
        **decision.model_dump(mode="json"),
        "policy_settings_version": version,
    }
    if not _said_before(ticket, decision):
        await store.update(
            ticket_id,
            lambda current: current.changed(
                clock.now(), "decision.made", sentence(decision), data=record, decision=decision
            ),
        )
    number = len(ticket.attempts) + 1
    if decision.outcome is Effect.WAIT:
        return Next(decision, number, _until_worth_it(decision, facts, surroundings))
    patience = ticket.analysis.min_wait_seconds if ticket.analysis else 0
    failures = len(facts.past)
    wait = defaults.backoff.wait_seconds(failures=failures, at_least=patience, chance=random())
    if facts.approved_by:
        wait = min(wait, _LONGEST_WAIT_AFTER_YES_SECONDS)
    return Next(decision, number, wait)


def _until_worth_it(decision: Decision, facts: PolicyFacts, around: "_Surroundings") -> float:
    """Return how many seconds to wait before it is decided again."""
    if facts.outage:
        return _LONGEST_WAIT_SECONDS
    if facts.maintenance and around.maintenance is not None:
        left = (around.maintenance.end - around.now).total_seconds()
        return min(max(left, _SHORTEST_WAIT_SECONDS), _MAINTENANCE_LOOK_SECONDS)
    if decision.ticket_outcome != Outcome.FALSE_POSITIVE:
        return around.wait_seconds
    left = HOLD_SECONDS - facts.open_seconds
    return min(max(left, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What goes on around the ticket, ``now``."""

    now: datetime
    reached: LimitReached | None
    wait_seconds: float
    failing: int
    known: int
    inconclusive: int
    healed_lately: int
    outage: str
    freeze: str
    maintenance: Window | None


async def _surroundings(
    ticket: Ticket, policy: PolicySettings, store: Store, clock: Clock
) -> _Surroundings:
    now = clock.now()
    scope = ticket.resource.scope
    probe = Send(
        key=attempt_key(ticket.id, len(ticket.attempts) + 1),
        ticket_id=ticket.id,
        scope=scope,
        target=target_of(ticket),
        action=wanted_action(ticket),
        at=now,
    )
    reached = await store.limit_reached(probe, policy.limits())
    until = (reached.until - now).total_seconds() if reached else 0.0
    failing, known = await store.failing_share(scope, now - _MASS_WINDOW)
    latest = await store.latest_outcomes(scope, policy.inconclusive_until_open)
    return _Surroundings(
        now,
        reached,
        min(max(until, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS),
        failing,
        known,
        sum(1 for _ in takewhile(lambda one: _is_unclear(one, now), latest)),
        await _healed_since(ticket, now - _FLAP_WINDOW, store),
        await outage_of(ticket.platform, store, now),
        policy.freeze_at(now, ticket.environment, name_of(ticket)),
        policy.maintenance_at(now, ticket.environment, name_of(ticket)),
    )


async def _healed_since(ticket: Ticket, since: datetime, store: TicketStore) -> int:
    # Opened a while before it was healed: look a little farther back than that.
    query = TicketQuery(fingerprint=(ticket.fingerprint,), since=since - _MASS_WINDOW, limit=100)
    return sum(
        one.outcome is Outcome.HEALED and one.closed_at is not None and one.closed_at >= since
        for one in (await store.search(query)).items
    )


def _is_unclear(send: Send, now: datetime) -> bool:
    recent = send.ended_at is not None and send.ended_at > now - _BREAKER_WINDOW
    return recent and send.outcome is AttemptOutcome.INCONCLUSIVE


def wanted_action(ticket: Ticket) -> Action:
    """Return what a person has asked for, else what the cause suggests."""
    if ticket.wish is not None:
        return ticket.wish.action
    return ticket.analysis.action if ticket.analysis else Action.NONE


def target_of(ticket: Ticket) -> str:
    """Return what limits count a ticket's attempts by: the root pipeline or job."""
    run = ticket.observation.run if ticket.observation else None
    return (run.target if run else ticket.resource.name).casefold()


def name_of(ticket: Ticket) -> str:
    """Return the name by which operators speak of the root pipeline or job."""
    run = ticket.observation.run if ticket.observation else None
    return run.name if run else ticket.resource.name


def names_of(ticket: Ticket) -> set[str]:
    """Return every name that what is remediated has: a kill switch may use any."""
    return {ticket.resource.name, name_of(ticket), target_of(ticket)}


def _said_before(ticket: Ticket, decision: Decision) -> bool:
    """Tell whether this only says once more that it has to wait."""
    waits = decision.outcome is Effect.WAIT
    return waits and ticket.decision is not None and ticket.decision.outcome is Effect.WAIT


def sentence(decision: Decision) -> str:
    """Return the decision and the reasons that made it, for people."""
    against = [reason.text for reason in decision.reasons if reason.verdict == decision.outcome]
    if not against:
        return f"{decision.action}: every rule allows it"
    return f"{decision.outcome}: {'; '.join(against)}"


def _facts(
    ticket: Ticket,
    mode: ExecutionMode,
    switches: KillSwitches,
    policy: PolicySettings,
    around: _Surroundings,
    max_attempts: int,
) -> PolicyFacts:
    analysis = ticket.analysis or Analysis()
    seen = ticket.observation or Observation(at=ticket.updated_at, problem="it was not read")
    action, wish = fitting(ticket.platform, wanted_action(ticket), seen), ticket.wish
    spec = spec_of(ticket.platform, action)
    name = name_of(ticket)
    said = policy.safety_of(name)
    risks = [spec.risk if spec else Risk.HIGH]
    if wish is None or wish.action is analysis.action:
        # The signature may know of more risk than the action has by itself; never of less.
        risks.append(analysis.risk)
    own = max(risks, key=_RISK_ORDER.index)
    highest = policy.risk_in(ticket.environment, own)
    stop = (
        switches.stopping(environment=ticket.environment, targets=names_of(ticket), action=action)
        or KillSwitch()
    )
    return PolicyFacts(
        asked_by=wish.by.name if wish else "",
        approved_by=_approved_by(ticket, action, highest, around.now),
        run_phase=seen.run.phase if seen.run else None,
        failed_steps=len(seen.failures),
        recovered=_has_recovered(ticket, seen),
        platform_tries=_platform_tries(ticket, seen),
        newer_success_run_id=seen.newer_success_run_id,
        handled_by=seen.handled_by,
        read_problem=seen.problem,
        without_record=ticket.platform is Platform.OTHER,
        canary=ticket.source == CANARY,
        alert_resolved=ticket.alert_resolved,
        open_seconds=max(0, (around.now - ticket.created_at).total_seconds()),
        cancel_requested=ticket.cancel_requested,
        healed_lately=around.healed_lately,
        max_healed_lately=policy.heals_per_half_hour,
        outage=around.outage,
        classification=analysis.classification,
        category=analysis.category,
        signature=analysis.signature,
        confidence=analysis.confidence,
        auto_remediable=analysis.auto_remediable,
        action=action,
        action_known=spec is not None,
        risk=highest,
        max_attempts_for_cause=analysis.max_attempts,
        past=tuple(
            PastAttempt(
                action=past.action,
                signature=past.signature,
                outcome=past.outcome,
                seen=past.external_run_id is not None or past.sent_at is None,
            )
            for past in ticket.attempts
            if not past.never_left
        ),
        mode=mode.mode,
        confidence_threshold=policy.threshold_for(ticket.severity, mode.confidence_threshold),
        max_attempts=max_attempts,
        kill_switch=stop.on,
        kill_switch_reason=stop.reason,
        kill_switch_scope=stop.scope,
        target=name,
        limit_reached=_limit_words(around.reached),
        rerun_safety=said if said is not RerunSafety.UNKNOWN else analysis.rerun_safety,
        owner_has_said=said is not RerunSafety.UNKNOWN,
        # A run of which no step has failed was refused as a whole: nothing of it has happened.
        reruns_everything=bool(seen.failures) and reruns_everything(ticket.platform, action),
        failing_targets=around.failing,
        known_targets=around.known,
        max_failing_share=policy.max_failing_share,
        min_failing_targets=policy.min_failing_targets,
        inconclusive_in_a_row=around.inconclusive,
        inconclusive_until_open=policy.inconclusive_until_open,
        freeze=around.freeze,
        maintenance=around.maintenance.name if around.maintenance else "",
        allowed=policy.allows(action, name),
        environment=ticket.environment,
        severity=ticket.severity,
        general_threshold=mode.confidence_threshold,
        own_risk=own,
        defined_safety=analysis.rerun_safety,
    )


def _approved_by(ticket: Ticket, action: Action, risk: Risk, now: datetime) -> str:
    """Return who has agreed to what would be done now."""
    plan = plan_of(ticket, risk=risk, action=action)
    given = ticket.approval
    if plan is None or given is None or not given.is_good_for(plan, now):
        return ""
    return given.decided_by or ""


def _platform_tries(ticket: Ticket, seen: Observation) -> int:
    """Return how often the run was tried again, not counting by us."""
    if seen.run is None:
        return 0
    ours = sum(past.external_run_id == seen.run.run_id for past in ticket.attempts)
    return max(0, seen.run.tries - 1 - ours)


def _has_recovered(ticket: Ticket, seen: Observation) -> bool:
    """Tell whether the run was not well when it was reported."""
    if seen.run is None:
        return False
    ended = seen.run.ended_at
    late = ended is not None and ended > ticket.created_at
    return late or _platform_tries(ticket, seen) > 0


def _limit_words(reached: LimitReached | None) -> str:
    if reached is None:
        return ""
    limit = reached.limit
    return f"{limit.most} {limit.name}; the next one by {reached.until:%H:%M:%S} UTC at the latest"
