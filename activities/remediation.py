"""One attempt, from intent to what it came to."""

import azure.durable_functions as df

from shared.container import services
from shared.domain.attempt import AttemptOutcome
from shared.domain.messages import (
    AttemptConcluded,
    AttemptPrepared,
    AttemptRef,
    AttemptSent,
    Conclude,
    Reconcile,
    RunLook,
)
from shared.telemetry.spans import traced
from shared.usecases import conclude_attempt as concluding
from shared.usecases import look
from shared.usecases import prepare_attempt as preparing
from shared.usecases import reconcile_attempt as reconciling
from shared.usecases import send_attempt as sending
from shared.usecases import undo_attempt as undoing

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
@traced
async def prepare_attempt(payload: dict) -> dict[str, object]:
    """Store what is about to be done. Safe to repeat."""
    asked, using = AttemptRef.model_validate(payload), services()
    prepared = await preparing.prepare_attempt(
        asked.ticket_id,
        asked.number,
        using.store,
        using.record,
        using.remedies,
        using.clock,
        by_logic_app=using.by_logic_app,
    )
    return AttemptPrepared(
        state=prepared.state,
        run_id=prepared.run_id,
        problem=prepared.problem,
        passing=prepared.passing,
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def send_attempt(payload: dict) -> dict[str, object]:
    """Send the present step of the attempt. Safe to repeat: only one delivery ever sends."""
    asked, using = AttemptRef.model_validate(payload), services()
    sent = await sending.send_attempt(
        asked.ticket_id, asked.number, using.store, using.remedies, using.clock
    )
    return AttemptSent(
        state=sent.state,
        run_id=sent.run_id,
        retry_after_seconds=sent.retry_after_seconds,
        problem=sent.problem,
        undoable=sent.undoable,
        limited=sent.limited,
        lapsed=sent.lapsed,
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def reconcile_attempt(payload: dict) -> dict[str, object]:
    """Look for the effect of a request whose answer was lost. Safe to repeat."""
    asked, using = Reconcile.model_validate(payload), services()
    attempt = await reconciling.reconcile_attempt(
        asked.ticket_id,
        asked.number,
        using.store,
        using.record,
        using.remedies,
        using.clock,
        last_look=asked.last_look,
    )
    return AttemptSent(
        state=attempt.state, run_id=attempt.external_run_id, problem=attempt.error or ""
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def look_at_attempt(payload: dict) -> dict[str, object]:
    """Look once how far the present step is. Safe to repeat."""
    asked, using = AttemptRef.model_validate(payload), services()
    seen = await look.look_at_attempt(
        asked.ticket_id, asked.number, using.store, using.remedies, using.clock
    )
    return RunLook(phase=seen.phase, status=seen.status).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def conclude_attempt(payload: dict) -> dict[str, object]:
    """Store what the present step came to. Safe to repeat."""
    asked, using = Conclude.model_validate(payload), services()
    concluded = await concluding.conclude_attempt(
        asked.ticket_id,
        asked.number,
        asked.ended,
        using.store,
        using.record,
        using.warehouse,
        using.remedies,
        using.clock,
    )
    attempt = concluded.attempt
    return AttemptConcluded(
        outcome=attempt.outcome or AttemptOutcome.INCONCLUSIVE,
        goes_on=concluded.goes_on,
        why=attempt.error or "",
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
@traced
async def undo_attempt(payload: dict) -> None:
    """Take back what was changed for the attempt only. Safe to repeat."""
    asked, using = AttemptRef.model_validate(payload), services()
    await undoing.undo_attempt(
        asked.ticket_id, asked.number, using.store, using.remedies, using.clock
    )
