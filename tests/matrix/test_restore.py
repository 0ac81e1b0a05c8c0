"""A backup is restored: what was done since must not be done again."""

import pytest

from tests.matrix.cells import Cells

EVERY = 4  # th place is one cell; test-long takes them all


async def forgotten_is_not_repeated(cells: Cells, step: int) -> None:
    """Make a backup at each place of the way, go on to the end, and restore it."""
    _, alive = await cells.play()

    for number in range(len(alive.places) % step, len(alive.places), step):
        ticket, peril = await cells.play(copies_at=number, watch_minutes=15)

        assert ticket.status.is_final
        assert await cells.effects() == cells.scenario.effects, f"restored {peril.where}"


async def test_what_a_backup_forgot_is_not_done_again(cells: Cells) -> None:
    """Exactly once in all, over both lives."""
    await forgotten_is_not_repeated(cells, EVERY)


@pytest.mark.long
async def test_what_any_backup_forgot_is_not_done_again(cells: Cells) -> None:
    """The same for each place."""
    await forgotten_is_not_repeated(cells, 1)
