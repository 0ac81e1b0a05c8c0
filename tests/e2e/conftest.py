"""One host and one simulator for all tests that do not kill them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.support.mend import Mend, brisk
from tests.support.simulators import adf_process

__all__ = ["adf_process"]


@pytest.fixture(scope="session")
def shared_host(
    adf_process: AdfSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostProcess]:
    """Yield a running host; tests tell their tickets apart by pipeline name."""
    data_dir = tmp_path_factory.mktemp("host") / "data"
    with HostProcess(data_dir, brisk(adf_process.url)) as host:
        yield host


@pytest.fixture
def adf(adf_process: AdfSimulator) -> AdfSimulator:
    """Return an empty factory."""
    adf_process.reset()
    return adf_process


@pytest.fixture
def mend(shared_host: HostProcess, adf: AdfSimulator) -> Iterator[Mend]:  # noqa: ARG001 - reset
    """Yield the API, in Auto and with the kill switch off."""
    with Mend(shared_host.url) as api:
        api.put("kill-switch", {"on": False})
        api.put("execution-mode", {"mode": "auto", "confidence_threshold": 0.8})
        yield api


@pytest.fixture
def own_host(adf: AdfSimulator, tmp_path: Path) -> Iterator[HostProcess]:
    """Yield a host that a test may kill; not started yet."""
    host = HostProcess(tmp_path / "data", brisk(adf.url))
    yield host
    host.stop()
