"""One trace per ticket, from the alert to its end.

Alert, orchestration and activities run in different processes, hours apart and after restarts,
and what Durable Functions hands on between them differs from back end to back end. So nothing is
handed on: the trace id is made from the ticket's id. Every span of a ticket, wherever it was
recorded, is in that trace, and is linked to the request or invocation that it was part of.

Without a telemetry SDK (:func:`shared.telemetry.start.start`) all of it costs next to nothing.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ticket: ContextVar[str] = ContextVar("ticket_id", default="")

TICKET = "ticket_id"
"""Name of the attribute of spans and log lines."""


def current_ticket() -> str:
    """Return the id of the ticket that is worked on; empty outside of such work."""
    return _ticket.get()


def ids_of(ticket_id: str) -> tuple[int, int]:
    """Return trace id (128 bit) and id of the root span (64 bit) of a ticket; never 0."""
    digest = hashlib.sha256(ticket_id.encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


@contextmanager
def ticket_span(name: str, ticket_id: str) -> Iterator[None]:
    """Record what is done inside as a span of the ticket; its log lines get the ticket's id.

    An error is recorded and raised again.
    """
    from opentelemetry import trace

    token = _ticket.set(ticket_id)
    trace_id, span_id = ids_of(ticket_id)
    sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    root = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=sampled)
    around = trace.get_current_span().get_span_context()
    links = [trace.Link(around)] if around.is_valid and around.trace_id != trace_id else []
    try:
        with trace.get_tracer("mend").start_as_current_span(
            name,
            context=trace.set_span_in_context(trace.NonRecordingSpan(root)),
            attributes={TICKET: ticket_id},
            links=links,
        ):
            yield
    finally:
        _ticket.reset(token)


def traced(activity: Callable[_P, Awaitable[_R]]) -> Callable[_P, Awaitable[_R]]:
    """Record an activity, whose payload names a ticket, as a span of that ticket."""

    @wraps(activity)
    async def recorded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        payload = kwargs.get("payload", args[0] if args else None)
        ticket_id = payload.get(TICKET, "") if isinstance(payload, dict) else ""
        with ticket_span(getattr(activity, "__name__", "activity"), str(ticket_id)):
            return await activity(*args, **kwargs)

    return recorded
