"""A .NET ``Task`` as DurableTask.Core runs it: continuations happen at once, in order.

asyncio would put continuations into a queue, and the order in which numbers are
given out would differ from the extension's.
"""

from collections.abc import Callable, Generator
from typing import Any


class TaskError(Exception):
    """A promise ended badly; the one kind of exception that travels through promises."""


class Promise:
    """A value, or an error, that comes later. It settles once; later attempts are ignored."""

    __slots__ = ("_continuations", "done", "error", "value")

    def __init__(self) -> None:
        self.done = False
        self.value: Any = None
        self.error: TaskError | None = None
        self._continuations: list[Callable[[Promise], None]] = []

    def succeed(self, value: object = None) -> None:
        """Settle with ``value``."""
        self._settle(value, None)

    def fail(self, error: TaskError) -> None:
        """Settle with ``error``."""
        self._settle(None, error)

    def then(self, continuation: "Callable[[Promise], None]") -> None:
        """Call ``continuation`` when settled: now, if it is already."""
        if self.done:
            continuation(self)
        else:
            self._continuations.append(continuation)

    def _settle(self, value: object, error: TaskError | None) -> None:
        if self.done:
            return
        self.done, self.value, self.error = True, value, error
        waiting, self._continuations = self._continuations, []
        for continuation in waiting:
            continuation(self)


Steps = Generator[Promise, Any, Any]


def settled(value: object = None) -> Promise:
    """Return a promise that is kept already."""
    promise = Promise()
    promise.succeed(value)
    return promise


def run(steps: Steps) -> Promise:
    """Drive ``steps``, which yields promises as an ``async`` method awaits tasks.

    Errors other than :class:`TaskError` are not caught: they end the whole replay.
    """
    whole = Promise()

    def advance(awaited: Promise | None) -> None:
        while True:
            try:
                if awaited is not None and awaited.error is not None:
                    following = steps.throw(awaited.error)
                else:
                    following = steps.send(awaited.value if awaited is not None else None)
            except StopIteration as stop:
                whole.succeed(stop.value)
                return
            except TaskError as error:
                whole.fail(error)
                return
            if not following.done:
                following.then(advance)
                return
            awaited = following

    advance(None)
    return whole


def when_all(promises: list[Promise]) -> Promise:
    """Return a promise of all ``promises``: it waits for every one, also after a failure."""
    whole = Promise()
    left = len(promises)
    if left == 0:
        whole.succeed()

    def one_settled(_promise: Promise) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            error = next((p.error for p in promises if p.error is not None), None)
            if error is not None:
                whole.fail(error)
            else:
                whole.succeed()

    for promise in promises:
        promise.then(one_settled)
    return whole


def when_any(promises: list[Promise]) -> Promise:
    """Return a promise that is kept as soon as one of ``promises`` is settled, well or badly."""
    whole = Promise()
    for promise in promises:
        promise.then(whole.succeed)
    return whole
