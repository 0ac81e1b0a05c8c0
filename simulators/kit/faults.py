"""Faults that can be ordered for coming calls.

``FAULTS`` says for each one whether the call still takes effect and what the caller gets
to see; how it is put on the wire is in ``service.py``. To add a fault: a name in ``Fault``
and a line in ``FAULTS``.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

ANY_ACTION = "*"


class Fault(StrEnum):
    """How a call goes wrong."""

    REFUSE_503 = "refuse_503"
    THROTTLE_429 = "throttle_429"
    ERROR_500_BEFORE = "error_500_before"
    HTML_502_BEFORE = "html_502_before"
    UNAUTHORIZED_401 = "unauthorized_401"
    FORBIDDEN_403 = "forbidden_403"
    NOT_FOUND_404 = "not_found_404"
    CONFLICT_409_RETRY_AFTER = "conflict_409_retry_after"
    RESET_BEFORE = "reset_before"
    SLOW_BEFORE = "slow_before"
    LOSE_ANSWER_503 = "lose_answer_503"
    LOSE_ANSWER_504 = "lose_answer_504"
    RESET_AFTER = "reset_after"
    HOLD = "hold"
    HTML_200 = "html_200"
    HTML_502 = "html_502"
    TRUNCATED_JSON = "truncated_json"
    WRONG_SCHEMA = "wrong_schema"


class Shape(StrEnum):
    """What the caller gets to see."""

    TRUE = "the service's own answer"
    ERROR = "an error in the service's own envelope"
    HTML = "a page of HTML"
    TRUNCATED = "the start of the true answer, then the end of the connection"
    UNEXPECTED = "JSON of another shape"
    RESET = "a reset connection and no answer"


class Pause(StrEnum):
    """Where a call is made to wait."""

    NONE = "none"
    BEFORE = "before it happens"
    AFTER = "after it happened"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault, spelled out.

    Attributes:
        happens: Whether the call takes effect all the same.
        shape: What the caller gets to see.
        status: HTTP status for shapes that have one of their own.
        pause: Where the call waits for the order's ``seconds``.
        retry_after: Default for the ``Retry-After`` header, seconds.
    """

    happens: bool
    shape: Shape
    status: int = 200
    pause: Pause = Pause.NONE
    retry_after: float | None = None


NO_TROUBLE = Trouble(happens=True, shape=Shape.TRUE)

FAULTS: dict[Fault, Trouble] = {
    Fault.REFUSE_503: Trouble(happens=False, shape=Shape.ERROR, status=503),
    Fault.THROTTLE_429: Trouble(happens=False, shape=Shape.ERROR, status=429, retry_after=1),
    Fault.ERROR_500_BEFORE: Trouble(happens=False, shape=Shape.ERROR, status=500),
    Fault.HTML_502_BEFORE: Trouble(happens=False, shape=Shape.HTML, status=502),
    Fault.UNAUTHORIZED_401: Trouble(happens=False, shape=Shape.ERROR, status=401),
    Fault.FORBIDDEN_403: Trouble(happens=False, shape=Shape.ERROR, status=403),
    Fault.NOT_FOUND_404: Trouble(happens=False, shape=Shape.ERROR, status=404),
    Fault.CONFLICT_409_RETRY_AFTER: Trouble(
        happens=False, shape=Shape.ERROR, status=409, retry_after=1
    ),
    Fault.RESET_BEFORE: Trouble(happens=False, shape=Shape.RESET),
    Fault.SLOW_BEFORE: Trouble(happens=True, shape=Shape.TRUE, pause=Pause.BEFORE),
    Fault.LOSE_ANSWER_503: Trouble(happens=True, shape=Shape.ERROR, status=503),
    Fault.LOSE_ANSWER_504: Trouble(happens=True, shape=Shape.ERROR, status=504),
    Fault.RESET_AFTER: Trouble(happens=True, shape=Shape.RESET),
    Fault.HOLD: Trouble(happens=True, shape=Shape.TRUE, pause=Pause.AFTER),
    Fault.HTML_200: Trouble(happens=True, shape=Shape.HTML, status=200),
    Fault.HTML_502: Trouble(happens=True, shape=Shape.HTML, status=502),
    Fault.TRUNCATED_JSON: Trouble(happens=True, shape=Shape.TRUNCATED),
    Fault.WRONG_SCHEMA: Trouble(happens=True, shape=Shape.UNEXPECTED, status=200),
}


@dataclass(slots=True)
class FaultOrder:
    """One order: let the next ``times`` matching calls go wrong.

    Attributes:
        action: Operation it waits for, or ``*`` for any.
        match: Name or pattern (``*`` and ``?``) of the target, without regard to case;
            ``None`` matches all.
        after: Matching calls that pass unharmed first.
        seconds: How long ``hold`` and ``slow_before`` wait, in real time.
        retry_after: Seconds in the ``Retry-After`` header; ``None`` takes the fault's default.
    """

    action: str
    fault: Fault
    times: int = 1
    match: str | None = None
    after: int = 0
    seconds: float = 5.0
    retry_after: float | None = None

    @property
    def trouble(self) -> Trouble:
        """What this fault means."""
        return FAULTS[self.fault]

    def wants(self, action: str, targets: tuple[str, ...]) -> bool:
        """Tell whether a call of ``action`` on any of ``targets`` is meant."""
        if self.action not in (ANY_ACTION, action):
            return False
        if self.match is None:
            return True
        pattern = self.match.casefold()
        return any(fnmatchcase(target.casefold(), pattern) for target in targets)


class Faults:
    """The orders that are still open, oldest first; none means healthy."""

    def __init__(self) -> None:
        self._open: list[FaultOrder] = []

    def order(self, order: FaultOrder) -> None:
        """Add an order; orders for the same calls are served first come, first served."""
        self._open.append(order)

    def take(self, action: str, targets: tuple[str, ...]) -> FaultOrder | None:
        """Return the order that strikes this call and use it up by one."""
        for order in self._open:
            if not order.wants(action, targets):
                continue
            if order.after > 0:
                order.after -= 1
                return None
            order.times -= 1
            if order.times == 0:
                self._open.remove(order)
            return order
        return None

    def open(self) -> list[FaultOrder]:
        """Return the orders not used up yet."""
        return list(self._open)

    def clear(self) -> None:
        """Be healthy again."""
        self._open.clear()
