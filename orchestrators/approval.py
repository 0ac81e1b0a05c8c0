"""Wait until people have decided, or their time is up.

An event says when to look; what holds is what the store says. Should every event get lost,
the answer is found on the next look all the same. Starts itself afresh every 20 looks.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators import steps
from shared.domain.approval import ApprovalStatus
from shared.domain.messages import ApprovalWatch

bp = df.Blueprint()

LOOKS_PER_GENERATION = 20
DECIDED = "decided"


@bp.orchestration_trigger(context_name="context")
def await_approval(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str | None]:
    """Return how the question ended."""
    asked = ApprovalWatch.model_validate(context.get_input())
    # One at a time: an event wakes whoever has waited for it the longest.
    hint = context.wait_for_external_event(DECIDED)
    for _ in range(LOOKS_PER_GENERATION):
        status = yield from steps.look_at_approval(context, asked)
        if status != ApprovalStatus.PENDING:
            return status
        next_look = context.current_utc_datetime + timedelta(seconds=asked.poll_seconds)
        timer: Any = context.create_timer(next_look)
        first = yield context.task_any([hint, timer])
        if first is hint:
            timer.cancel()
            hint = context.wait_for_external_event(DECIDED)
    context.continue_as_new(asked.model_dump(mode="json"))
    return None
