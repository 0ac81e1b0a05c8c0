"""Hours of waiting, in no time: histories stay short, and what shows late is waited for."""

import pytest

from orchestrators.monitor import LOOKS_PER_GENERATION
from shared.domain.ticket import Outcome
from tests.matrix.cells import Cells
from tests.matrix.world import POLL_SECONDS, Simulators

TWO_HOURS = 7_200
only = pytest.mark.parametrize("cells", ["rerun_from_failure"], indirect=True)


@only
async def test_two_hours_of_looking_keep_histories_short(cells: Cells) -> None:
    """Never as many as 300 events at any moment, in the story or in its monitor."""

    def last_long(simulators: Simulators) -> None:
        (run,) = simulators.adf.runs()
        simulators.adf.script(
            run.pipeline, [{"status": "Succeeded", "seconds": TWO_HOURS - 10 * POLL_SECONDS}]
        )

    ticket, _ = await cells.play(trouble=last_long)

    (attempt,) = ticket.attempts
    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert attempt.ended_at is not None
    assert (attempt.ended_at - attempt.started_at).total_seconds() > 0.9 * TWO_HOURS
    assert LOOKS_PER_GENERATION < cells.longest_history < 300


@only
@pytest.mark.long
async def test_a_run_that_does_not_end_is_handed_over(cells: Cells) -> None:
    """After the two hours of the setting, and not before."""

    def never_ends(simulators: Simulators) -> None:
        (run,) = simulators.adf.runs()
        simulators.adf.script(run.pipeline, [{"status": "Succeeded", "seconds": 10 * TWO_HOURS}])

    ticket, _ = await cells.play(trouble=never_ends)

    (attempt,) = ticket.attempts
    assert ticket.outcome is Outcome.INCONCLUSIVE
    assert attempt.ended_at is not None
    waited = (attempt.ended_at - attempt.started_at).total_seconds()
    assert TWO_HOURS <= waited < TWO_HOURS + 120


@pytest.mark.parametrize("cells", ["rerun_from_failure", "logic_app_for_a_pipeline"], indirect=True)
@pytest.mark.parametrize("seconds", [3, 40, 150])
async def test_a_lost_run_that_shows_late_is_waited_for(cells: Cells, seconds: int) -> None:
    """Reads of the factory lag behind its writes; nothing is sent again meanwhile."""

    def lose(simulators: Simulators) -> None:
        simulators.adf.switch(invisible_seconds=seconds)
        if cells.scenario.suggestion.by_logic_app:
            simulators.logic_app.fault("startRun", "lose_answer_504")
        else:
            simulators.adf.fault("createRun", "lose_answer_504")

    ticket, _ = await cells.play(trouble=lose)

    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert len(ticket.attempts) == 1
    assert set((await cells.requests()).values()) == {1}
