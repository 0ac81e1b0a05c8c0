"""The activities an orchestrator may call: name, retry policy and types, one function each.

Retried steps are never put into ``task_any`` or a ``task_all`` whose failure is
caught: Durable Functions 1.x then confuses task ids (azure-functions-durable-python
issue 603).
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from shared.domain.messages import (
    ApprovalLook,
    ApprovalRef,
    ApprovalRequested,
    ApprovalWatch,
    AttemptConcluded,
    AttemptPrepared,
    AttemptRef,
    AttemptSent,
    Conclude,
    Decided,
    Ending,
    EpisodeClaimed,
    EpisodeRef,
    Reconcile,
    RunIdentified,
    RunLook,
    RunRef,
    TicketRef,
    Watch,
)
from shared.domain.model import Model
from shared.domain.ticket import Outcome

Step = Generator[Any, Any, Any]

# Every step may be repeated; the pause is constant because 1.x cannot send a backoff.
# Five minutes outlive a hiccup of the control plane; what lasts longer is for a person.
_RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=60)
# A ticket that cannot be ended would be stuck for ever: try for an hour.
_STUBBORN = df.RetryOptions(first_retry_interval_in_milliseconds=15_000, max_number_of_attempts=240)


def _call(
    context: df.DurableOrchestrationContext,
    activity: str,
    payload: Model,
    retry: df.RetryOptions = _RETRY,
) -> Step:
    return (
        yield context.call_activity_with_retry(activity, retry, payload.model_dump(mode="json"))
    )


def claim_episode(
    context: df.DurableOrchestrationContext, ticket_id: str
) -> Generator[Any, Any, EpisodeClaimed]:
    """Take the ticket for this instance."""
    asked = EpisodeRef(ticket_id=ticket_id, instance_id=context.instance_id)
    return EpisodeClaimed.model_validate((yield from _call(context, "claim_episode", asked)))


def identify_run(
    context: df.DurableOrchestrationContext, ticket_id: str
) -> Generator[Any, Any, str | None]:
    """Return the id of the run to be healed, if there is one."""
    asked = TicketRef(ticket_id=ticket_id)
    raw = yield from _call(context, "identify_run", asked)
    return RunIdentified.model_validate(raw).run_id


def look_at_run(
    context: df.DurableOrchestrationContext, ticket_id: str, run_id: str
) -> Generator[Any, Any, RunLook]:
    """Look at a run once."""
    asked = RunRef(ticket_id=ticket_id, run_id=run_id)
    return RunLook.model_validate((yield from _call(context, "look_at_run", asked)))


def look_at_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int
) -> Generator[Any, Any, RunLook]:
    """Look once how far the present step of an attempt is."""
    asked = AttemptRef(ticket_id=ticket_id, number=number)
    return RunLook.model_validate((yield from _call(context, "look_at_attempt", asked)))


def read_back(context: df.DurableOrchestrationContext, ticket_id: str) -> Generator[Any, Any, None]:
    """Read what really happened."""
    yield from _call(context, "read_back", TicketRef(ticket_id=ticket_id))


def analyse(context: df.DurableOrchestrationContext, ticket_id: str) -> Generator[Any, Any, None]:
    """Find the likely cause."""
    yield from _call(context, "analyse", TicketRef(ticket_id=ticket_id))


def decide(context: df.DurableOrchestrationContext, ticket_id: str) -> Generator[Any, Any, Decided]:
    """Let policy decide."""
    asked = TicketRef(ticket_id=ticket_id)
    return Decided.model_validate((yield from _call(context, "decide", asked)))


def prepare_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int
) -> Generator[Any, Any, AttemptPrepared]:
    """Store the intent, unless somebody else is at it."""
    asked = AttemptRef(ticket_id=ticket_id, number=number)
    return AttemptPrepared.model_validate((yield from _call(context, "prepare_attempt", asked)))


def send_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int
) -> Generator[Any, Any, AttemptSent]:
    """Send the attempt; a repeated delivery never sends again."""
    asked = AttemptRef(ticket_id=ticket_id, number=number)
    return AttemptSent.model_validate((yield from _call(context, "send_attempt", asked)))


def reconcile_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int, *, last_look: bool
) -> Generator[Any, Any, AttemptSent]:
    """Look for the effect of an attempt whose answer was lost."""
    asked = Reconcile(ticket_id=ticket_id, number=number, last_look=last_look)
    return AttemptSent.model_validate((yield from _call(context, "reconcile_attempt", asked)))


def conclude_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int, ended: str
) -> Generator[Any, Any, AttemptConcluded]:
    """Store what the present step of the attempt came to."""
    asked = Conclude(ticket_id=ticket_id, number=number, ended=ended)
    return AttemptConcluded.model_validate((yield from _call(context, "conclude_attempt", asked)))


def undo_attempt(
    context: df.DurableOrchestrationContext, ticket_id: str, number: int
) -> Generator[Any, Any, None]:
    """Take back what was changed for this attempt only."""
    yield from _call(context, "undo_attempt", AttemptRef(ticket_id=ticket_id, number=number))


def close_ticket(
    context: df.DurableOrchestrationContext, ticket_id: str, outcome: Outcome, conclusion: str
) -> Generator[Any, Any, str]:
    """End the ticket and return its status."""
    asked = Ending(ticket_id=ticket_id, outcome=outcome, conclusion=conclusion)
    return str((yield from _call(context, "close_ticket", asked, _STUBBORN)))


def watch(context: df.DurableOrchestrationContext, watched: Watch) -> Generator[Any, Any, str]:
    """Wait until a run or a step is over, in an orchestration of its own; return how it ended."""
    ended = yield context.call_sub_orchestrator("watch_run", watched.model_dump(mode="json"))
    return str(ended)


def request_approval(
    context: df.DurableOrchestrationContext, ticket_id: str
) -> Generator[Any, Any, ApprovalRequested]:
    """Ask people about the plan."""
    asked = TicketRef(ticket_id=ticket_id)
    return ApprovalRequested.model_validate((yield from _call(context, "request_approval", asked)))


def look_at_approval(
    context: df.DurableOrchestrationContext, asked: ApprovalRef
) -> Generator[Any, Any, str]:
    """Return how a question stands."""
    ref = ApprovalRef(ticket_id=asked.ticket_id, approval_id=asked.approval_id)
    raw = yield from _call(context, "look_at_approval", ref)
    return ApprovalLook.model_validate(raw).status


def await_approval(
    context: df.DurableOrchestrationContext, asked: ApprovalWatch
) -> Generator[Any, Any, str]:
    """Wait for people, in an orchestration of its own; return how the question ended."""
    payload = asked.model_dump(mode="json")
    name = waiting_for(asked.approval_id)
    ended = yield context.call_sub_orchestrator("await_approval", payload, name)
    return str(ended)


def waiting_for(approval_id: str) -> str:
    """Return the id of the orchestration that waits for an answer."""
    return f"ask-{approval_id}"


def pause(context: df.DurableOrchestrationContext, seconds: float) -> Generator[Any, Any, None]:
    """Let time pass."""
    if seconds > 0:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
