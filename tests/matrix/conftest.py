"""The world that all matrices are played in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.matrix.cells import Cells
from tests.matrix.scenarios import SCENARIOS
from tests.matrix.world import SharedClock, Simulators
from tests.support.builders import NOW


@pytest.fixture
def clock() -> SharedClock:
    """Return a time that everybody shares."""
    return SharedClock(NOW)


@pytest.fixture
async def simulators(clock: SharedClock) -> AsyncIterator[Simulators]:
    """Yield factory, workspace and Logic App."""
    async with Simulators(clock) as all_of_them:
        yield all_of_them


@pytest.fixture(params=SCENARIOS)
def cells(
    request: pytest.FixtureRequest,
    simulators: Simulators,
    clock: SharedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Cells:
    """Return the cells of one action."""
    return Cells(SCENARIOS[request.param], simulators, clock, tmp_path, monkeypatch)


@pytest.fixture
def short_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let questions expire after five minutes: whoever is asked here never answers."""
    monkeypatch.setenv("MEND_APPROVAL_TIMEOUT_MINUTES", "5")
