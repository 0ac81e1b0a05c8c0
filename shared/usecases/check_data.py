"""Look at what a rerun has written, where its owner has said what has to be true of it."""

from datetime import timedelta
from typing import Protocol

from pydantic import JsonValue

from shared.domain.alert import TimeWindow
from shared.domain.errors import Refused
from shared.domain.run import RunPhase, RunSnapshot
from shared.domain.ticket import Ticket
from shared.policy.checks import DataCheck, Finding, judge, number_of, value_at
from shared.ports.clock import Clock
from shared.ports.measures import OutputReader, Warehouse
from shared.ports.runs import RunReader

_EARLIER = timedelta(days=14)
_MOST_EARLIER = 7


class Record(RunReader, OutputReader, Protocol):
    """The system of record, outputs included."""


async def check_data(
    ticket: Ticket,
    run: RunSnapshot,
    checks: tuple[DataCheck, ...],
    record: Record,
    warehouse: Warehouse,
    clock: Clock,
) -> tuple[Finding, ...]:
    """Return what became of each of ``checks``. Changes nothing.

    Raises:
        Transient: something did not answer; ask again.
    """
    found = []
    for check in checks:
        try:
            value = await _measure(ticket, run, check, record, warehouse)
            earlier = await _earlier(ticket, run, check, record, clock) if check.compares else []
        except Refused as error:
            found.append(Finding(check=check.name, holds=None, text=f"{check.name}: {error}"))
            continue
        found.append(judge(check, value, earlier, clock.now()))
    return tuple(found)


async def _measure(
    ticket: Ticket, run: RunSnapshot, check: DataCheck, record: Record, warehouse: Warehouse
) -> JsonValue:
    if check.sql:
        return await warehouse.query(check.warehouse, check.sql)
    step, way = check.way
    return value_at(await record.output(ticket.resource, run, step), way)


async def _earlier(
    ticket: Ticket, run: RunSnapshot, check: DataCheck, record: Record, clock: Clock
) -> list[float]:
    """Return the measure of the newest successful runs before this one."""
    window = TimeWindow(start=clock.now() - _EARLIER, end=clock.now())
    runs = await record.runs(ticket.resource, run.target, window)
    good = [one for one in runs if one.phase is RunPhase.SUCCEEDED and one.run_id != run.run_id]
    step, way = check.way
    values = [
        number_of(value_at(await record.output(ticket.resource, one, step), way))
        for one in good[:_MOST_EARLIER]
    ]
    return [value for value in values if value is not None]
