"""A system of record that is down for a while is not hammered, and its ticket waits."""

from datetime import datetime
from itertools import pairwise

import pytest

from shared.connectors.breaker import FAILURES, PAUSE
from shared.domain.ticket import Outcome
from tests.matrix.cells import Cells
from tests.matrix.world import Simulators

DOWN_FOR = FAILURES + 3


@pytest.mark.parametrize("cells", ["rerun_from_failure"], indirect=True)
async def test_a_factory_that_is_down_is_asked_seldom(cells: Cells) -> None:
    """Five calls, then one in half a minute; nothing is given up, nothing done twice."""

    def down(simulators: Simulators) -> None:
        simulators.adf.fault("getPipelineRun", "refuse_503", times=DOWN_FOR)

    ticket, _ = await cells.play(trouble=down)
    found = [one for one in await cells.calls_of_adf("getPipelineRun") if one.fault]

    assert ticket.outcome is Outcome.HEALED, ticket.summary
    assert len(found) == DOWN_FOR
    at = [datetime.fromisoformat(one.at) for one in found]
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert all(pause >= PAUSE for pause in pauses[FAILURES - 1 :])
    assert sum((await cells.effects()).values()) == 1
