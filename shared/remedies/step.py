"""What every step of an action can do, so that the flow need not know any of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from shared.actions.catalogue import Repeat
from shared.domain.alert import Resource
from shared.domain.attempt import Attempt, StepKind
from shared.domain.run import Observation, RunSnapshot
from shared.domain.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Work:
    """What a step is about."""

    ticket: Ticket
    attempt: Attempt

    @property
    def resource(self) -> Resource:
        """Where it happens."""
        return self.ticket.resource

    @property
    def failed(self) -> RunSnapshot:
        """The run that is being healed, as it was read back."""
        if self.ticket.observation is None or self.ticket.observation.run is None:
            raise ValueError(f"ticket {self.ticket.id!r} has no run to act on")
        return self.ticket.observation.run

    @property
    def seen(self) -> Observation:
        """All that was read back."""
        return self.ticket.observation or Observation(at=self.ticket.updated_at)

    def mark(self, name: str) -> str | None:
        """Return one of the marks made before sending, if it is a text."""
        value = self.attempt.marks.get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Ready:
    """It may be sent. What is here recognises its effect should the answer get lost."""

    known_run_ids: tuple[str, ...] = ()
    marks: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is doing, or has done, the work: as this run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """It must not be sent now. ``passing``: perhaps later."""

    why: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request came to: its id over there, and the run it led to, where known.

    ``doubles`` are further runs that recover the same failure at the same time; they must
    not go on beside it. Only a :class:`Stoppable` step tells of them.
    """

    external_id: str | None = None
    run_id: str | None = None
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an effect is.

    ``phase`` is a :class:`~shared.domain.run.RunPhase`, ``missing`` (not to be seen, or
    not yet) or, when there is nothing to look at any more, ``refused``.
    """

    phase: str
    status: str = ""
    run_id: str | None = None  # when it has become known just now


class Step(Protocol):
    """One kind of request and all that belongs to it.

    Reads raise ``Transient`` or ``Refused``; ``send`` and ``undo`` also ``OutcomeUnknown``.
    """

    kind: StepKind
    repeat: Repeat

    async def prepare(self, work: Work) -> Ready | Busy | Blocked:
        """Look at the world once more. Changes nothing."""
        ...

    async def send(self, work: Work) -> Effect:
        """Send exactly one request."""
        ...

    async def find(self, work: Work) -> Effect | None:
        """Look for the effect of a request whose answer was lost."""
        ...

    async def look(self, work: Work) -> Progress:
        """Look how far the effect is."""
        ...


class Stoppable(Step, Protocol):
    """A step whose effect may be found more than once."""

    async def stop(self, work: Work, run_id: str) -> None:
        """Cancel a run; harmless when repeated, and for one that is over."""
        ...


class Undoable(Step, Protocol):
    """A step that is taken back in the end, healed or not."""

    async def undo(self, work: Work, marks: Mapping[str, JsonValue]) -> str:
        """Put things back as ``marks`` say they were; return a sentence. Harmless when repeated."""
        ...
