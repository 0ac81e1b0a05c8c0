"""Numbers, new decisions and open tasks of one replay: ``TaskOrchestrationContext.cs``.

A decision gets the next number. History then either knows that number, and the
decision is old, or it does not, and the decision is new. A task is open from its
decision until history has its end, or until it is cancelled.
"""

from typing import TypeVar

from localhost.durable.decisions import Decision, SendEvent
from localhost.durable.promise import Promise, TaskError

# MaxOrchestrationActions of the extension.
MAX_ACTIONS = 100_000

_D = TypeVar("_D", bound=Decision)


class NonDeterministic(Exception):
    """History and code disagree about what happened; the instance fails."""

    def __init__(self, before: str, now: str) -> None:
        super().__init__(
            "Non-Deterministic workflow detected: A previous execution of this orchestration "
            f"{before}, but {now}. Was a change made to the orchestrator code after this "
            "instance had already started running?"
        )


class Refused(Exception):
    """The orchestrator asked for something that cannot be done; the instance fails."""


class Ledger:
    """Keeps count. One counter serves every kind of decision."""

    def __init__(self) -> None:
        self.next_number = 0
        self._fresh: dict[int, Decision] = {}
        self._parked: dict[int, Decision] = {}
        self._open: dict[int, Promise] = {}

    def number(self) -> int:
        """Return the next number.

        Raises:
            Refused: the orchestration has asked for too much.
        """
        if self.next_number >= MAX_ACTIONS:
            raise Refused(
                f"Maximum amount of orchestration actions ({MAX_ACTIONS}) has been reached. This "
                "value can be configured in host.json file as MaxOrchestrationActions."
            )
        self.next_number += 1
        return self.next_number - 1

    def open(self, decision: Decision) -> Promise:
        """Note ``decision`` and return the promise of its end."""
        promise = Promise()
        self._fresh[decision.number] = decision
        self._open[decision.number] = promise
        return promise

    def send(self, decision: SendEvent) -> None:
        """Note a message, whose end nobody waits for."""
        self._fresh[decision.number] = decision

    def cancel(self, number: int) -> None:
        """Close a task whose end no longer matters. Its decision and number remain."""
        self._open.pop(number).fail(TaskError("A task was canceled."))

    def succeed(self, number: int, result: object = None) -> None:
        """Settle a task; an unknown or second end is ignored."""
        if (promise := self._open.pop(number, None)) is not None:
            promise.succeed(result)

    def fail(self, number: int, reason: str) -> None:
        """Settle a task badly; an unknown or second end is ignored."""
        if (promise := self._open.pop(number, None)) is not None:
            promise.fail(TaskError(reason))

    def claim(self, number: int, kind: type[_D], before: str) -> _D:
        """Take the decision that history knows under ``number`` off the new ones.

        Args:
            before: What history says was done, as part of a sentence.

        Raises:
            NonDeterministic: there is no such decision, or it is of another kind.
        """
        found = self._fresh.get(number)
        if found is None:
            raise NonDeterministic(
                before, "the current replay execution hasn't (yet?) scheduled this task"
            )
        if not isinstance(found, kind):
            raise NonDeterministic(
                before,
                f"the current orchestration replay instead produced a {type(found).__name__} "
                "action with this sequence number",
            )
        del self._fresh[number]
        return found

    def park(self) -> None:
        """Put new decisions aside: the instance is suspended."""
        self._parked.update(self._fresh)
        self._fresh.clear()

    def unpark(self) -> None:
        """Take them up again."""
        self._fresh.update(self._parked)
        self._parked.clear()

    def discard(self) -> None:
        """Forget all new decisions."""
        self._fresh.clear()

    @property
    def has_open(self) -> bool:
        """Whether something has not ended; an instance cannot complete before."""
        return bool(self._open)

    def decisions(self) -> list[Decision]:
        """Return the new ones, by number."""
        return [self._fresh[number] for number in sorted(self._fresh)]
