"""Look, wait, look again, until a run or a step is over or the time is up.

Starts itself afresh every 20 looks, so that the history stays short however
long the run takes.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import steps
from shared.domain.messages import RunLook, Watch
from shared.domain.run import RunPhase

bp = df.Blueprint()

LOOKS_PER_GENERATION = 20
# A new run may be unknown for a while: Data Factory's reads lag behind its writes.
MISSING_GRACE = timedelta(minutes=2)

_OVER = {phase.value for phase in RunPhase if phase.is_over} | {"refused"}


@bp.orchestration_trigger(context_name="context")
def watch_run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str | None]:
    """Return how it ended: a final phase, ``refused``, ``missing`` or ``timed_out``."""
    watch = Watch.model_validate(context.get_input())
    for _ in range(LOOKS_PER_GENERATION):
        if watch.number is not None:
            look = yield from steps.look_at_attempt(context, watch.ticket_id, watch.number)
        else:
            look = yield from steps.look_at_run(context, watch.ticket_id, watch.run_id or "")
        if look.phase in _OVER:
            return look.phase
        watch = _noting(watch, look, context)
        now = context.current_utc_datetime
        if watch.missing_since is not None and now - watch.missing_since >= MISSING_GRACE:
            return "missing"
        if now >= watch.give_up_at:
            return "timed_out"
        yield context.create_timer(
            min(now + timedelta(seconds=watch.poll_seconds), watch.give_up_at)
        )
    context.continue_as_new(watch.model_dump(mode="json"))
    return None


def _noting(watch: Watch, look: RunLook, context: df.DurableOrchestrationContext) -> Watch:
    """Remember since when the run is unknown; no answer at all says nothing about that."""
    if look.phase == "unreadable":
        return watch
    since = (
        (watch.missing_since or context.current_utc_datetime) if look.phase == "missing" else None
    )
    return watch.model_copy(update={"missing_since": since})
