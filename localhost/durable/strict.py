"""Strict mode: for developers, every known trap of the 1.x SDK is an error at once.

In production these go wrong silently or hours later. Each replay runs twice, so
expect half the speed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext
from azure.durable_functions.models.Task import LongTimerTask

from localhost.durable.decisions import Finished, Replay
from localhost.durable.events import Status
from localhost.durable.history import History
from localhost.durable.performer import Execution
from localhost.durable.protocol import Verdict, WorkerProtocol

_EXCERPT = 60
_MARK = "strict mode: "


class Strict:
    """Asks another protocol twice and fails the instance on every trap.

    Args:
        inner: The protocol that is asked.
        max_events: Longest history before ``continue_as_new`` is demanded.
    """

    def __init__(self, inner: WorkerProtocol, max_events: int) -> None:
        self._inner = inner
        self._max_events = max_events

    def step(self, execution: Execution, history: History) -> Verdict:
        """See :class:`~localhost.durable.protocol.WorkerProtocol`."""
        verdict = self._inner.step(execution, history)
        again = self._inner.step(execution, history)
        complaint = self._complaint(history, verdict, again)
        if complaint is None:
            return verdict
        text = f"Orchestrator function '{execution.name}' failed: {_MARK}{complaint}"
        replay = Replay(
            decisions=[],
            outcome=Finished(Status.FAILED, text, None),
            next_id=verdict.replay.next_id,
        )
        return Verdict(replay, error=text, fingerprint=verdict.fingerprint)

    def _complaint(self, history: History, verdict: Verdict, again: Verdict) -> str | None:
        if verdict.fingerprint != again.fingerprint:
            return (
                "two replays of the same history asked for different things: "
                + difference(verdict.fingerprint, again.fingerprint)
                + "; orchestrators must not read clocks, random numbers, the environment or the "
                "outside"
            )
        if verdict.error is not None and _MARK in verdict.error:
            # Raised by checked_timers: do not wait for open timers to say so.
            return verdict.error.partition(_MARK)[2]
        if verdict.replay.traps and verdict.error is None:
            return "; ".join(verdict.replay.traps)
        if len(history) > self._max_events:
            return (
                f"the history has {len(history)} events (limit {self._max_events}), and every "
                "replay reads them all; use continue_as_new"
            )
        return None


def difference(first: str, second: str) -> str:
    """Return where two texts part, with a little context."""
    pairs = zip(first, second, strict=False)
    place = next(
        (index for index, (one, two) in enumerate(pairs) if one != two),
        min(len(first), len(second)),
    )
    start = max(0, place - _EXCERPT // 2)
    return f"{first[start : start + _EXCERPT]!r} and then {second[start : start + _EXCERPT]!r}"


@contextmanager
def checked_timers() -> Iterator[None]:
    """Make the SDK refuse timers that it would get wrong, while inside."""
    create: Any = DurableOrchestrationContext.create_timer
    cancel: Any = LongTimerTask.cancel

    def create_timer(context: Any, fire_at: datetime) -> Any:
        if fire_at.tzinfo is None:
            raise ValueError(
                f"{_MARK}create_timer({fire_at}) has no time zone; start from "
                "context.current_utc_datetime"
            )
        if fire_at.utcoffset() != timedelta(0):
            raise ValueError(
                f"{_MARK}create_timer({fire_at}) is not in UTC, and the SDK drops the "
                "offset; use .astimezone(timezone.utc)"
            )
        return create(context, fire_at)

    def refuse(_timer: Any) -> None:
        raise ValueError(
            f"{_MARK}cancel() of a timer over 6 days is ignored, and the instance stays "
            "Running (durable-python#573); wait in shorter steps"
        )

    setattr(DurableOrchestrationContext, "create_timer", create_timer)  # noqa: B010
    setattr(LongTimerTask, "cancel", refuse)  # noqa: B010
    try:
        yield
    finally:
        setattr(DurableOrchestrationContext, "create_timer", create)  # noqa: B010
        setattr(LongTimerTask, "cancel", cancel)  # noqa: B010
