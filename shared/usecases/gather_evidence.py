"""Look around a failure: what ran before, what changed, what is known elsewhere.

All of it is a bonus. Reading outside takes three calls and a few seconds at most, and nothing
that goes wrong here keeps an analysis from being made.
"""

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from shared.diagnosis.evidence import (
    DEFINITION,
    EARLIER_RUNS,
    OUTAGE,
    OUTPUT,
    SIMILAR,
    Found,
    Ring,
    from_ticket,
)
from shared.domain.alert import TimeWindow
from shared.domain.analysis import Analysis
from shared.domain.errors import MendError
from shared.domain.run import RunSnapshot
from shared.domain.ticket import Ticket
from shared.ports.clock import Clock
from shared.ports.measures import OutputReader
from shared.ports.runs import DefinitionReader, RunReader
from shared.ports.settings import SettingsStore
from shared.ports.tickets import TicketQuery, TicketStore
from shared.usecases.known_outages import outage_of

MAX_SECONDS = 3.0
"""How long all reading outside may take together."""
_HISTORY = timedelta(days=3)
_MAX_RUNS = 10
_MAX_SIMILAR = 3
_MAX_LOOKED_AT = 10
_MAX_OUTPUT_CHARS = 20_000


class Store(TicketStore, SettingsStore, Protocol):
    """All that is read here."""


class Surroundings(RunReader, OutputReader, DefinitionReader, Protocol):
    """The system of record, for what lies around the failure."""


async def known_here(
    ticket: Ticket, analysis: Analysis, store: Store, clock: Clock
) -> tuple[Found, ...]:
    """Return what is known without asking anybody outside."""
    found = list(from_ticket(ticket))
    try:
        outage = await outage_of(ticket.platform, store, clock.now())
        if outage:
            found.append(Found(Ring.OUTAGE, OUTAGE, f"a known outage goes on: {outage}"))
        found += await _similar(ticket, analysis, store)
    except MendError:
        pass  # whoever decides reads both again, and stops if they cannot be read
    return tuple(found)


async def read_outside(
    ticket: Ticket, reader: Surroundings, clock: Clock, *, seconds: float = MAX_SECONDS
) -> tuple[Found, ...]:
    """Return what the system of record says about the surroundings, as far as it answers.

    Never raises: what fails, or takes longer than ``seconds``, is left out.
    """
    seen = ticket.observation
    run = seen.run if seen is not None else None
    if seen is None or run is None:
        return ()
    reads = [
        _history(ticket, run, reader, clock.now()),
        _change(ticket, run, reader),
    ]
    if seen.failures:
        reads.append(_output(ticket, run, seen.failures[0].step, reader))
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        await asyncio.wait(tasks, timeout=seconds)
    finally:
        for task in tasks:
            task.cancel()
    # Asked for at once, and listed in their own order, whoever answered first.
    return tuple(one for task in tasks for one in _result(task))


def _result(task: "asyncio.Future[tuple[Found, ...]]") -> tuple[Found, ...]:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return ()
    return task.result()


async def _similar(ticket: Ticket, analysis: Analysis, store: TicketStore) -> Iterable[Found]:
    """Return tickets of the same cause, or of the same thing, and how they ended.

    In our own words only: what others wrote into a ticket is not evidence for this one.
    """
    query = TicketQuery(fingerprint=(ticket.fingerprint,), limit=_MAX_LOOKED_AT)
    if analysis.signature:
        query = TicketQuery(
            signature=(analysis.signature,), scope=(ticket.resource.scope,), limit=_MAX_LOOKED_AT
        )
    others = (await store.search(query)).items
    over = [one for one in others if one.id != ticket.id and one.outcome is not None]
    return [Found(Ring.SIMILAR, SIMILAR, _ending(one)) for one in over[:_MAX_SIMILAR]]


def _ending(ticket: Ticket) -> str:
    tried = [f"{one.action} ({one.outcome or one.state})" for one in ticket.attempts[:3]]
    cause = ticket.analysis.category if ticket.analysis else None
    return (
        f"{ticket.id}, opened {ticket.created_at:%Y-%m-%d %H:%M}: {cause or 'cause not known'}; "
        f"{'tried ' + ', '.join(tried) if tried else 'nothing tried'}; ended {ticket.outcome}"
    )


async def _history(
    ticket: Ticket, run: RunSnapshot, reader: RunReader, now: datetime
) -> tuple[Found, ...]:
    window = TimeWindow(start=now - _HISTORY, end=now)
    runs = await reader.runs(ticket.resource, run.target, window)
    told = [_line(one) for one in runs if one.run_id != run.run_id][:_MAX_RUNS]
    if not told:
        return ()
    return (Found(Ring.HISTORY, EARLIER_RUNS, "other runs, newest first: " + "; ".join(told)),)


def _line(run: RunSnapshot) -> str:
    began = f"{run.started_at:%Y-%m-%d %H:%M}" if run.started_at else "at an unknown time"
    lasted = ""
    if run.started_at and run.ended_at:
        lasted = f", {(run.ended_at - run.started_at).total_seconds() / 60:.0f} min"
    return f"{began} {run.phase}{lasted}"


async def _change(ticket: Ticket, run: RunSnapshot, reader: DefinitionReader) -> tuple[Found, ...]:
    """Tell when the definition was published last (Data Factory: ``lastPublishTime``)."""
    published = _published(await reader.definition(ticket.resource, run.name))
    if published is None:
        return ()
    said = f"the definition was published last at {published:%Y-%m-%d %H:%M} UTC"
    if run.started_at is not None:
        hours = (run.started_at - published).total_seconds() / 3600
        said += f", {abs(hours):.1f} hours {'before' if hours >= 0 else 'after'} this run began"
    return (Found(Ring.CHANGE, DEFINITION, said),)


def _published(definition: object) -> datetime | None:
    if not isinstance(definition, dict):
        return None
    properties = definition.get("properties")
    for place in (properties, definition):
        value = place.get("lastPublishTime") if isinstance(place, dict) else None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            continue
        if moment is not None and moment.tzinfo is not None:
            return moment
    return None


async def _output(
    ticket: Ticket, run: RunSnapshot, step: str, reader: OutputReader
) -> tuple[Found, ...]:
    output: JsonValue = await reader.output(ticket.resource, run, step)
    if output in (None, "", {}, []):
        return ()
    # Readable as it is: what an escape hides is neither cleaned nor redacted.
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return (Found(Ring.OUTPUT, OUTPUT, f"{step}: {text[:_MAX_OUTPUT_CHARS]}"),)
