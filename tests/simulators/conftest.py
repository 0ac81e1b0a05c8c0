"""The real SDK, pointed at the simulator."""

from collections.abc import Iterator

import pytest

from simulators.client import AdfSimulator
from tests.simulators.sdk import Factory
from tests.support.simulators import adf, adf_process, frozen_adf, frozen_adf_process

__all__ = ["adf", "adf_process", "frozen_adf", "frozen_adf_process"]


@pytest.fixture
def factory(adf: AdfSimulator) -> Iterator[Factory]:
    """The SDK without retries, on the simulator by the system's clock."""
    with Factory(adf.url) as client:
        yield client


@pytest.fixture
def frozen_factory(frozen_adf: AdfSimulator) -> Iterator[Factory]:
    """The SDK without retries, on the simulator whose time stands still."""
    with Factory(frozen_adf.url) as client:
        yield client
