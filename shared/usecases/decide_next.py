"""Gather the facts, let policy decide, keep the record."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.actions.catalogue import CATALOGUE
from shared.domain.analysis import Analysis, Risk
from shared.domain.decision import Decision
from shared.domain.run import Observation
from shared.domain.ticket import Ticket
from shared.policy.backoff import Backoff
from shared.policy.decide import decide
from shared.policy.facts import PastAttempt, PolicyFacts
from shared.ports.clock import Clock
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketStore
from shared.usecases.operator_settings import (
    ExecutionMode,
    KillSwitch,
    execution_mode,
    kill_switch,
)

_RISK_ORDER = list(Risk)


@dataclass(frozen=True, slots=True)
class Next:
    """The decision, the number of the attempt it allows, and how long to wait before it."""

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
    tickets: TicketStore,
    settings: SettingsStore,
    clock: Clock,
    *,
    defaults: PolicyDefaults,
    random: Callable[[], float],
) -> Next:
    """Decide what happens to the ticket now. Repeating decides again, on the same facts."""
    mode = await execution_mode(settings, at_first=defaults.mode)
    stop = await kill_switch(settings)
    ticket = await tickets.get(ticket_id)
    facts = _facts(ticket, mode, stop, defaults.max_attempts)
    decision = decide(facts)
    record = {"facts": facts.model_dump(mode="json"), **decision.model_dump(mode="json")}
    await tickets.update(
        ticket_id,
        lambda current: current.changed(
            clock.now(), "decision.made", sentence(decision), data=record, decision=decision
        ),
    )
    used = len(ticket.attempts)
    patience = ticket.analysis.min_wait_seconds if ticket.analysis else 0
    wait = defaults.backoff.wait_seconds(failures=used, at_least=patience, chance=random())
    return Next(decision, used + 1, wait)


def sentence(decision: Decision) -> str:
    """Return the decision and the reasons that made it, for people."""
    against = [reason.text for reason in decision.reasons if reason.verdict == decision.outcome]
    if not against:
        return f"{decision.action}: every rule allows it"
    return f"{decision.outcome}: {'; '.join(against)}"


def _facts(ticket: Ticket, mode: ExecutionMode, stop: KillSwitch, max_attempts: int) -> PolicyFacts:
    analysis = ticket.analysis or Analysis()
    seen = ticket.observation or Observation(at=ticket.updated_at, problem="it was not read")
    spec = CATALOGUE.get(analysis.action)
    known = spec is not None and spec.platform is ticket.platform
    # The signature may know of more risk than the action has by itself; never of less.
    risks = [spec.risk if spec else Risk.HIGH, analysis.risk]
    return PolicyFacts(
        run_phase=seen.run.phase if seen.run else None,
        failed_steps=len(seen.failures),
        newer_success_run_id=seen.newer_success_run_id,
        handled_by=seen.handled_by,
        read_problem=seen.problem,
        classification=analysis.classification,
        category=analysis.category,
        signature=analysis.signature,
        confidence=analysis.confidence,
        auto_remediable=analysis.auto_remediable,
        action=analysis.action,
        action_known=known,
        risk=max(risks, key=_RISK_ORDER.index),
        max_attempts_for_cause=analysis.max_attempts,
        past=tuple(
            PastAttempt(
                action=past.action,
                signature=past.signature,
                outcome=past.outcome,
                seen=past.external_run_id is not None or past.sent_at is None,
            )
            for past in ticket.attempts
        ),
        mode=mode.mode,
        confidence_threshold=mode.confidence_threshold,
        max_attempts=max_attempts,
        kill_switch=stop.on,
        kill_switch_reason=stop.reason,
    )
