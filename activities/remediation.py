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
)
from shared.usecases import conclude_attempt as concluding
from shared.usecases import prepare_attempt as preparing
from shared.usecases import reconcile_attempt as reconciling
from shared.usecases import send_attempt as sending

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
async def prepare_attempt(payload: dict) -> dict[str, object]:
    """Store what is about to be done. Safe to repeat."""
    asked = AttemptRef.model_validate(payload)
    prepared = await preparing.prepare_attempt(
        asked.ticket_id, asked.number, services().store, services().pipelines, services().clock
    )
    return AttemptPrepared(state=prepared.state, run_id=prepared.run_id).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
async def send_attempt(payload: dict) -> dict[str, object]:
    """Send the attempt. Safe to repeat: only one delivery ever sends."""
    asked = AttemptRef.model_validate(payload)
    sent = await sending.send_attempt(
        asked.ticket_id, asked.number, services().store, services().pipelines, services().clock
    )
    return AttemptSent(
        state=sent.state,
        run_id=sent.run_id,
        retry_after_seconds=sent.retry_after_seconds,
        problem=sent.problem,
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
async def reconcile_attempt(payload: dict) -> dict[str, object]:
    """Look for the run of an attempt whose answer was lost. Safe to repeat."""
    asked = Reconcile.model_validate(payload)
    attempt = await reconciling.reconcile_attempt(
        asked.ticket_id,
        asked.number,
        services().store,
        services().pipelines,
        services().clock,
        last_look=asked.last_look,
    )
    return AttemptSent(
        state=attempt.state, run_id=attempt.external_run_id, problem=attempt.error or ""
    ).model_dump(mode="json")


@bp.activity_trigger(input_name="payload")
async def conclude_attempt(payload: dict) -> dict[str, object]:
    """Store what the attempt came to. Safe to repeat."""
    asked = Conclude.model_validate(payload)
    attempt = await concluding.conclude_attempt(
        asked.ticket_id,
        asked.number,
        asked.ended,
        services().store,
        services().pipelines,
        services().clock,
    )
    return AttemptConcluded(
        outcome=attempt.outcome or AttemptOutcome.INCONCLUSIVE, why=attempt.error or ""
    ).model_dump(mode="json")
