"""Which run is it about? The alert is only a hint; healing happens at the root run."""

from datetime import timedelta
from typing import Protocol

from shared.domain.alert import TimeWindow
from shared.domain.errors import Refused
from shared.domain.run import Observation, RunPhase, RunSnapshot
from shared.domain.ticket import Change, Ticket
from shared.ports.clock import Clock
from shared.ports.runs import RunReader
from shared.ports.tickets import ClaimStore, TicketStore

_MAX_DEPTH = 10  # of pipelines that start pipelines
# What the systems of record keep runs of.
_KINDS = {"pipeline", "job"}
_MAX_GREEN = 5  # runs whose steps are looked at when none has failed as a whole
# For an alert that names neither run nor window: its sender looked at the recent past.
_USUAL_WINDOW = timedelta(minutes=30)


class Store(TicketStore, ClaimStore, Protocol):
    """Both kinds of thing this use case writes."""


async def identify_run(ticket_id: str, store: Store, record: RunReader, clock: Clock) -> str | None:
    """Return the id of the run to be healed, claimed for this ticket. Safe to repeat.

    ``None``: there is nothing to watch; the ticket's observation says why.

    Raises:
        Transient: the system of record did not answer; ask again.
    """
    ticket = await store.get(ticket_id)
    try:
        _refuse_what_has_no_runs(ticket)
        run_id = ticket.resource.run_id or await _newest_failure(ticket, store, record, clock)
        root = await _root(ticket, run_id, record) if run_id else None
    except Refused as refused:
        await _note(ticket, store, clock, Observation(at=clock.now(), problem=str(refused)))
        return None
    if run_id is None or root is None:
        await _note(ticket, store, clock, Observation(at=clock.now()))
        return None
    for owned in {run_id, root}:
        holder = await store.claim("run", ticket.resource.run_key(owned), ticket_id)
        if holder != ticket_id and await store.find(holder) is None:
            # A crash left a claim without a ticket behind: nobody takes care of it but us.
            holder = await store.claim(
                "run", ticket.resource.run_key(owned), ticket_id, instead_of=holder
            )
        if holder != ticket_id:
            await _note(ticket, store, clock, Observation(at=clock.now(), handled_by=holder))
            return None
    await store.update(ticket_id, lambda current: _identified(current, run_id, root, clock))
    return root


async def _root(ticket: Ticket, run_id: str, record: RunReader) -> str:
    """Return the run that started it all; ``run_id`` itself if nothing started it."""
    root, above = run_id, await record.run(ticket.resource, run_id)
    for _ in range(_MAX_DEPTH):
        if above is None or not above.parent_run_id or above.parent_run_id == root:
            break
        above = await record.run(ticket.resource, above.parent_run_id)
        if above is not None:  # a parent that is not known any more cannot be healed
            root = above.run_id
    return root


def _refuse_what_has_no_runs(ticket: Ticket) -> None:
    if ticket.resource.kind not in _KINDS:
        raise Refused(
            ticket.platform,
            f"a {ticket.resource.kind} failed, {ticket.resource.name!r}; only runs of pipelines "
            "and jobs can be healed",
        )


async def _newest_failure(
    ticket: Ticket, store: Store, record: RunReader, clock: Clock
) -> str | None:
    window = ticket.window or TimeWindow(
        start=ticket.created_at - _USUAL_WINDOW, end=clock.now() + _USUAL_WINDOW
    )
    runs = await record.runs(ticket.resource, ticket.resource.name, window)
    failed = [run.run_id for run in runs if run.phase is RunPhase.FAILED]
    if not failed:
        failed = await _failed_otherwise(ticket, runs, record)
    for run_id in failed:
        holder = await store.holder("run", ticket.resource.run_key(run_id))
        if holder in {None, ticket.id} or await store.find(holder) is None:
            return run_id
    # All are taken care of: name the newest, so that the ticket can say by whom.
    return failed[0] if failed else None


async def _failed_otherwise(
    ticket: Ticket, runs: tuple[RunSnapshot, ...], record: RunReader
) -> list[str]:
    """Return cancelled runs, and green ones of which a step failed."""
    green = [run for run in runs if run.phase is RunPhase.SUCCEEDED][:_MAX_GREEN]
    broken = [run.run_id for run in green if await record.failures(ticket.resource, run)]
    return broken + [run.run_id for run in runs if run.phase is RunPhase.CANCELLED]


def _identified(ticket: Ticket, run_id: str, root: str, clock: Clock) -> Change | None:
    if ticket.attempts:
        return None  # said before, and healing has moved on to a rerun since
    via = f" (it started run {run_id}, which failed)" if root != run_id else ""
    return ticket.changed(
        clock.now(),
        "run.identified",
        f"run {root} is to be healed{via}",
        data={"run_id": run_id, "root_run_id": root},
        resource=ticket.resource.model_copy(update={"run_id": run_id}),
        current_run_id=root,
    )


async def _note(ticket: Ticket, store: Store, clock: Clock, found: Observation) -> None:
    why = found.problem or (
        f"{found.handled_by} already takes care of it"
        if found.handled_by
        else "no failed run was found"
    )
    await store.update(
        ticket.id,
        # Without a current run nothing is read back: what stands here is what is decided on.
        lambda current: current.changed(
            clock.now(), "run.not_identified", why, observation=found, current_run_id=None
        ),
    )
