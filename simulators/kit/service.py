"""The way of one call to a simulated service: fault, effect, ledger, answer.

A simulator gives this module its operations (plain functions from ``Call`` to ``Answer``)
and its dialect (how the real service words errors). Everything an operation does is done
without waiting, so that calls never interleave inside it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from simulators.kit.clock import Clock, iso
from simulators.kit.connection import ResetAnswer, TruncatedAnswer
from simulators.kit.faults import NO_TROUBLE, FaultOrder, Faults, Pause, Shape
from simulators.kit.ledger import Ledger

_HTML = "<html><head><title>Service</title></head><body><h1>Please sign in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, understood.

    Attributes:
        action: Name of the operation, for instance ``createRun``.
        target: What it is about, as the ledger shows it.
        aliases: Other names under which a fault order may mean this target.
        names: Parts of the path, decoded.
        query: Query parameters; keys in lower case.
        headers: Request headers; keys in lower case.
        body: Parsed JSON, raw text if it is no JSON, ``None`` if empty.
    """

    action: str
    method: str
    path: str
    target: str = ""
    aliases: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service says, and what came of the call (``effect``, for the ledger).

    ``page``: instead of a body, HTML for a person.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    effect: str | None = None
    page: str | None = None


class Refused(Exception):
    """The service says no.

    Args:
        status: HTTP status.
        code: The service's own error code; ``None`` lets the dialect choose by status.
        message: The service's text; ``None`` likewise.
        target: What the error is about.
        headers: Sent along, for instance ``WWW-Authenticate``.
    """

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        *,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.headers = dict(headers or {})


class Dialect(Protocol):
    """How the real service speaks."""

    def error(self, refusal: Refused) -> Answer:
        """Return the refusal in the service's envelope."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the headers that go with every answer."""
        ...


Operation = Callable[[Call], Answer]


class Interrupted(Exception):
    """A waiting call was woken by a reset or by the end of the process."""


class Pauses:
    """Lets calls wait in real time, and wakes them all when the world is reset."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait ``seconds``.

        Raises:
            Interrupted: everything was woken meanwhile.
        """
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return
        raise Interrupted

    def wake_all(self) -> None:
        """Interrupt all who wait now; later ones wait as usual."""
        self._woken.set()
        self._woken = asyncio.Event()


class Service:
    """One simulated service: its time, its ledger, its faults, its calls.

    Args:
        clock: Time for the ledger.
        dialect: How errors are worded.
    """

    def __init__(self, clock: Clock, dialect: Dialect) -> None:
        self.clock = clock
        self.dialect = dialect
        self.ledger = Ledger()
        self.faults = Faults()
        self.pauses = Pauses()
        self.in_flight = 0

    async def answer(self, call: Call, operation: Operation) -> Response:
        """Take ``call`` through its fault, its effect and the ledger to an answer."""
        order = self.faults.take(call.action, (call.target, *call.aliases))
        self.in_flight += 1
        try:
            return await self._answer(call, operation, order)
        except Interrupted:
            return ResetAnswer()
        finally:
            self.in_flight -= 1

    def clear(self) -> None:
        """Drop ledger, faults and waiting calls."""
        self.ledger.clear()
        self.faults.clear()
        self.pauses.wake_all()

    async def _answer(self, call: Call, operation: Operation, order: FaultOrder | None) -> Response:
        trouble = order.trouble if order else NO_TROUBLE
        if order and trouble.pause is Pause.BEFORE:
            await self.pauses.wait(order.seconds)
        true_answer = self._carry_out(call, operation) if trouble.happens else Answer()
        seen = self._disguise(true_answer, order)
        self.ledger.record(
            at=iso(self.clock.now()),
            action=call.action,
            target=call.target,
            method=call.method,
            path=call.path,
            query=call.query,
            body=call.body,
            status=None if trouble.shape is Shape.RESET else seen.status,
            effect=true_answer.effect,
            fault=order.fault.value if order else None,
        )
        if order and trouble.pause is Pause.AFTER:
            await self.pauses.wait(order.seconds)
        return self._on_the_wire(seen, trouble.shape)

    def _carry_out(self, call: Call, operation: Operation) -> Answer:
        try:
            return operation(call)
        except Refused as refusal:
            return self.dialect.error(refusal)

    def _disguise(self, true_answer: Answer, order: FaultOrder | None) -> Answer:
        if order is None:
            return true_answer
        trouble = order.trouble
        pause = trouble.retry_after if order.retry_after is None else order.retry_after
        headers = {} if pause is None else {"Retry-After": f"{pause:g}"}
        match trouble.shape:
            case Shape.ERROR:
                return self.dialect.error(Refused(trouble.status, headers=headers))
            case Shape.HTML:
                return Answer(trouble.status, _HTML, headers)
            case Shape.UNEXPECTED:
                return Answer(trouble.status, {"unexpected": 1}, headers)
            case _:
                return true_answer

    def _on_the_wire(self, answer: Answer, shape: Shape) -> Response:
        headers = {**self.dialect.headers(), **answer.headers}
        if shape is Shape.RESET:
            return ResetAnswer()
        if shape is Shape.HTML:
            return HTMLResponse(str(answer.body), answer.status, headers)
        if shape is Shape.TRUNCATED:
            text = json.dumps(answer.body)
            return TruncatedAnswer(text, answer.status, headers, media_type="application/json")
        if answer.page is not None:
            return HTMLResponse(answer.page, answer.status, headers)
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, headers)


async def read_body(request: Request) -> object:
    """Return the request's body as parsed JSON, as text if it is no JSON, or ``None``."""
    raw = await request.body()
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", errors="replace")
