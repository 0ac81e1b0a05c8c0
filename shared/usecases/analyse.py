"""From what was read back to the likely cause: known signatures first."""

from shared.actions.catalogue import reruns_everything
from shared.diagnosis.diagnose import diagnose
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.domain.alert import Platform
from shared.domain.analysis import Analysis, RerunSafety
from shared.domain.errors import ConnectorError
from shared.domain.run import Observation, RunPhase
from shared.domain.ticket import Ticket
from shared.policy.safety import detect
from shared.ports.clock import Clock
from shared.ports.runs import DefinitionReader
from shared.ports.tickets import TicketStore

_UNKNOWN = RerunSafety.UNKNOWN


async def analyse(
    ticket_id: str, tickets: TicketStore, definitions: DefinitionReader, clock: Clock
) -> Analysis:
    """Store and return what is believed about the failure. Safe to repeat."""
    ticket = await tickets.get(ticket_id)
    analysis = diagnose(_facts(ticket))
    if reruns_everything(ticket.platform, analysis.action):
        safety = await _rerun_safety(ticket, definitions)
        analysis = analysis.model_copy(update={"rerun_safety": safety})
    named = analysis.signature or "no known signature"
    message = (
        f"{analysis.root_cause or 'the cause is not known'} ({named}, {analysis.confidence:.2f})"
    )
    await tickets.update(
        ticket_id,
        lambda current: current.changed(
            clock.now(),
            "analysis.done",
            message,
            data={
                "category": analysis.category,
                "signature": analysis.signature,
                "confidence": analysis.confidence,
                "action": analysis.action,
            },
            analysis=analysis,
        ),
    )
    return analysis


async def _rerun_safety(ticket: Ticket, definitions: DefinitionReader) -> RerunSafety:
    """Look what the definition shows. It is a bonus: without it, it is not known."""
    run = ticket.observation.run if ticket.observation else None
    try:
        return detect(await definitions.definition(ticket.resource, run.name)) if run else _UNKNOWN
    except ConnectorError:
        return _UNKNOWN


def _facts(ticket: Ticket) -> FailureFacts:
    """Put what the system of record said first; the alert's own text is a last resort."""
    seen = ticket.observation or Observation(at=ticket.updated_at)
    texts: list[FailureText] = []
    for failure in seen.failures:
        texts.append(
            FailureText(
                evidence_id=f"e{len(texts) + 1}",
                source=failure.source,
                error_code=failure.error_code,
                message=failure.message,
                activity_type=failure.step_type,
                failure_type=failure.failure_type,
                step=failure.step,
                status="Failed",
            )
        )
    if seen.run is not None and seen.run.message:
        texts.append(
            FailureText(
                evidence_id=f"e{len(texts) + 1}",
                source="adf.pipeline_run" if ticket.platform is Platform.ADF else "databricks.run",
                message=seen.run.message,
            )
        )
    if not texts and ticket.description:
        texts.append(
            FailureText(
                evidence_id="e1", source=f"alert.{ticket.source}", message=ticket.description
            )
        )
    return FailureFacts(
        platform=ticket.platform,
        run_status=_status(seen),
        texts=tuple(texts),
    )


def _status(seen: Observation) -> str:
    if seen.run is None or (seen.run.phase is RunPhase.SUCCEEDED and seen.failures):
        return ""  # green, but steps failed in it: the steps say what happened
    return seen.run.status
