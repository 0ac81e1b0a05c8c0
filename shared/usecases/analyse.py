"""From what was read back to the likely cause: known signatures first, then a model, if any."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from shared.actions.catalogue import CATALOGUE, reruns_everything
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.evidence import Found, bundle, failure_texts, with_context
from shared.diagnosis.failure import FailureFacts
from shared.diagnosis.model.diagnosis import ask_for_cause
from shared.diagnosis.model.verdict import SURE_ENOUGH, verdict
from shared.diagnosis.model.wording import ask_for_words, worded
from shared.domain.alert import CANARY
from shared.domain.analysis import Analysis, RerunSafety
from shared.domain.errors import ConnectorError, ModelUnavailable
from shared.domain.run import Observation, RunPhase
from shared.domain.ticket import Ticket
from shared.policy.safety import detect
from shared.ports.clock import Clock
from shared.ports.runs import DefinitionReader
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketStore
from shared.usecases.ask_model import MAX_SECONDS, Advisor
from shared.usecases.gather_evidence import Surroundings, known_here, read_outside

MAX_SECONDS_IN_ALL = 34.0
"""How long everything that is a bonus may take: the surroundings, the model, the definition."""
_UNKNOWN = RerunSafety.UNKNOWN


class Store(TicketStore, SettingsStore, Protocol):
    """All that is read and written here."""


async def analyse(
    ticket_id: str,
    store: Store,
    definitions: DefinitionReader,
    clock: Clock,
    *,
    surroundings: Surroundings | None = None,
    advisor: Advisor | None = None,
) -> Analysis:
    """Store and return what is believed about the failure. Safe to repeat.

    Args:
        surroundings: Where to look around failures that no signature explains; ``None``: nowhere.
        advisor: A language model to ask about these; ``None``: rules alone.
    """
    patience = _Patience(MAX_SECONDS_IN_ALL)
    ticket = await store.get(ticket_id)
    facts = FailureFacts(
        platform=ticket.platform, run_status=_status(ticket), texts=failure_texts(ticket)
    )
    analysis = diagnose(facts)
    found = await known_here(ticket, analysis, store, clock)
    asked = ""
    if is_known(analysis):
        analysis, asked = await _in_its_words(ticket, analysis, found, advisor, patience)
    else:
        if analysis.method == "none":
            analysis = analysis.model_copy(update={"method": "rules"})
        if surroundings is not None and _is_worth_it(ticket):
            found += await read_outside(ticket, surroundings, clock)
        analysis, asked = await _by_model(ticket, analysis, found, advisor, patience)
    action = ticket.wish.action if ticket.wish else analysis.action
    if reruns_everything(ticket.platform, action):
        safety = await _rerun_safety(ticket, definitions, patience)
        analysis = analysis.model_copy(update={"rerun_safety": safety})
    evidence = with_context(analysis.evidence, found)
    analysis = analysis.model_copy(update={"evidence": evidence})
    await _store(ticket_id, analysis, asked, store, clock)
    return analysis


def is_known(analysis: Analysis) -> bool:
    """Tell whether rules have found a cause that is more likely than any other."""
    return analysis.category is not None and analysis.confidence >= SURE_ENOUGH


@dataclass(frozen=True, slots=True)
class _Patience:
    """What is left of the seconds that were there in the beginning."""

    seconds: float
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def left(self) -> float:
        return max(self.seconds - (asyncio.get_running_loop().time() - self.began), 0)


async def _by_model(
    ticket: Ticket,
    analysis: Analysis,
    found: tuple[Found, ...],
    advisor: Advisor | None,
    patience: _Patience,
) -> tuple[Analysis, str]:
    """Return the model's verdict, or ``analysis`` and why there is none."""
    if advisor is None or not _is_worth_it(ticket):
        return analysis, ""
    catalogue = {action for platform, action in CATALOGUE if platform is ticket.platform}
    question, sent = ask_for_cause(ticket.platform, _status(ticket), bundle(found), catalogue)
    try:
        return await advisor.ask(
            question,
            lambda answer: verdict(answer, sent, ticket.platform, catalogue, analysis),
            about=ticket.id,
            seconds=min(patience.left, MAX_SECONDS),
        ), "answered"
    except ModelUnavailable as unavailable:
        return analysis, str(unavailable)


async def _in_its_words(
    ticket: Ticket,
    analysis: Analysis,
    found: tuple[Found, ...],
    advisor: Advisor | None,
    patience: _Patience,
) -> tuple[Analysis, str]:
    """Let the model tell a known cause with the failure's own facts; nothing else changes."""
    if advisor is None or not advisor.wording or not _is_worth_it(ticket):
        return analysis, ""
    question, sent = ask_for_words(analysis, bundle(found))
    try:
        return await advisor.ask(
            question,
            lambda answer: worded(answer, sent, analysis),
            about=ticket.id,
            seconds=min(patience.left, MAX_SECONDS),
        ), "answered"
    except ModelUnavailable as unavailable:
        return analysis, str(unavailable)


def _is_worth_it(ticket: Ticket) -> bool:
    """Tell whether anybody will want to know: not where there is nothing left to do."""
    seen = ticket.observation
    taken = seen is not None and (seen.handled_by or seen.newer_success_run_id)
    over = ticket.cancel_requested or ticket.status.is_final or taken
    return ticket.source != CANARY and not over and bool(failure_texts(ticket))


async def _store(
    ticket_id: str, analysis: Analysis, asked: str, store: TicketStore, clock: Clock
) -> None:
    named = analysis.signature or "no known signature"
    if analysis.method == "model":
        named = "a language model's suggestion, " + named
    message = (
        f"{analysis.root_cause or 'the cause is not known'} ({named}, {analysis.confidence:.2f})"
    )
    data: dict[str, object] = {
        "category": analysis.category,
        "signature": analysis.signature,
        "confidence": analysis.confidence,
        "action": analysis.action,
        "method": analysis.method,
    }
    if asked:
        data["model"] = asked
    await store.update(
        ticket_id,
        lambda current: current.changed(
            clock.now(), "analysis.done", message, data=data, analysis=analysis
        ),
    )


async def _rerun_safety(
    ticket: Ticket, definitions: DefinitionReader, patience: _Patience
) -> RerunSafety:
    """Look what the definition shows. It is a bonus: without it, it is not known."""
    run = ticket.observation.run if ticket.observation else None
    if run is None:
        return _UNKNOWN
    try:
        async with asyncio.timeout(patience.left):
            return detect(await definitions.definition(ticket.resource, run.name))
    except (ConnectorError, TimeoutError):
        return _UNKNOWN


def _status(ticket: Ticket) -> str:
    seen = ticket.observation or Observation(at=ticket.updated_at)
    if seen.run is None or (seen.run.phase is RunPhase.SUCCEEDED and seen.failures):
        return ""  # green, but steps failed in it: the steps say what happened
    return seen.run.status
