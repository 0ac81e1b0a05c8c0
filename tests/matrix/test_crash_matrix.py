"""Every place where the process may die, for every action: at most one effect per attempt."""

import itertools

import pytest

from shared.domain.ticket import Outcome, Ticket
from tests.matrix.cells import Cells
from tests.matrix.peril import CHANGES, Peril

pytestmark = pytest.mark.usefixtures("short_questions")

LOST = {"after sending is stored"} | {f"before {change} leaves" for change in CHANGES}
DOUBTED = {
    "after remediation.intent is stored",
    "after prepare_attempt was carried out",
    "before sending is stored",
}
MORE_LOOKS = 6
COMMON_WAY = "rerun_from_failure"


def ended_right(cells: Cells, ticket: Ticket, peril: Peril) -> bool:
    """Healed; or handed over where a request may or may not have left, and that is forbidden.

    A Logic App is never asked twice. What has more than a low risk is not tried again after a
    request that was never seen to arrive.
    """
    if ticket.outcome is Outcome.HEALED:
        return True
    if cells.scenario.suggestion.by_logic_app:
        return ticket.outcome is Outcome.INCONCLUSIVE and peril.where in LOST | DOUBTED
    if peril.where not in LOST or not cells.scenario.risky or ticket.decision is None:
        return False
    why = [reason.text for reason in ticket.decision.reasons]
    asked = ticket.outcome is Outcome.APPROVAL_EXPIRED
    return asked and any("never seen to arrive" in text for text in why)


async def test_it_heals_when_nobody_dies(cells: Cells) -> None:
    """The matrix has a way to start from, with exactly the effects it should have."""
    ticket, _ = await cells.play()

    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert await cells.effects() == cells.scenario.effects
    assert len(ticket.attempts) == 1


def first_place(cells: Cells, alive: Peril) -> int:
    """Return where the cells begin: up to the intent all actions go the same way."""
    if cells.scenario.name == COMMON_WAY:
        return 0
    return alive.places.index("before remediation.intent is stored")


async def check(cells: Cells, ticket: Ticket, peril: Peril) -> None:
    """Judge one cell by the ledgers."""
    assert ended_right(cells, ticket, peril), f"{peril.where}: {ticket.outcome} {ticket.summary}"
    for call, times in (await cells.effects()).items():
        allowed = cells.scenario.effects.get(call, 0) * len(ticket.attempts)
        assert times <= allowed, f"died {peril.where}: {call} took effect {times} times"


async def test_wherever_it_dies_nothing_is_done_twice(cells: Cells) -> None:
    """Each place of the way is one cell: killed there, started again, played to the end."""
    _, alive = await cells.play()
    first = first_place(cells, alive)

    for number in itertools.count(first):
        ticket, peril = await cells.play(dies_at=number)
        if not peril.outlived:
            break  # behind the last place
        await check(cells, ticket, peril)

    # How often it looks at a run before that has ended differs a little from play to play.
    assert number >= len(alive.places) - MORE_LOOKS


async def test_whatever_is_delivered_twice_is_done_once(cells: Cells) -> None:
    """Every activity arrives twice at the same time."""
    ticket, peril = await cells.play(deliveries=2)

    await check(cells, ticket, peril)
    assert ticket.outcome is Outcome.HEALED, ticket.summary
