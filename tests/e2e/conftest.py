"""One host and one simulator for all tests that do not kill them.

With ``BASE_URL`` (and ``ADF_SIMULATOR_URL``) in the environment the same tests run
against a host that somebody else started, such as ``func start``; those that kill
their host are left out. CONTRIBUTING.md says how.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator, DatabricksSimulator
from tests.support.mend import Mend, brisk, workspace

BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")


@pytest.fixture(scope="session")
def adf_process() -> Iterator[AdfSimulator]:
    """Yield the factory: one of our own, or the one the other host talks to."""
    if BASE_URL:
        with AdfSimulator.attach(os.environ["ADF_SIMULATOR_URL"]) as simulator:
            yield simulator
        return
    with AdfSimulator.start() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def databricks_process() -> Iterator[DatabricksSimulator]:
    """Yield the workspace, likewise."""
    if BASE_URL:
        with DatabricksSimulator.attach(os.environ["DATABRICKS_SIMULATOR_URL"]) as simulator:
            yield simulator
        return
    with DatabricksSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def databricks(databricks_process: DatabricksSimulator) -> DatabricksSimulator:
    """Return an empty workspace."""
    databricks_process.reset()
    return databricks_process


@pytest.fixture(scope="session")
def base_url(
    adf_process: AdfSimulator,
    databricks_process: DatabricksSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Yield the address of a running host; tests tell their tickets apart by pipeline name."""
    if BASE_URL:
        yield BASE_URL
        return
    data_dir = tmp_path_factory.mktemp("host") / "data"
    settings = brisk(adf_process.url, **workspace(databricks_process.url))
    with HostProcess(data_dir, settings) as host:
        yield host.url


@pytest.fixture
def adf(adf_process: AdfSimulator) -> AdfSimulator:
    """Return an empty factory."""
    adf_process.reset()
    return adf_process


@pytest.fixture
def mend(base_url: str, adf: AdfSimulator) -> Iterator[Mend]:  # noqa: ARG001 - reset
    """Yield the API, in Auto and with the kill switch off."""
    with Mend(base_url) as api:
        api.put("kill-switch", {"on": False})
        api.put("execution-mode", {"mode": "auto", "confidence_threshold": 0.8})
        yield api


@pytest.fixture
def own_host(adf: AdfSimulator, tmp_path: Path) -> Iterator[HostProcess]:
    """Yield a host that a test may kill; not started yet."""
    if BASE_URL:
        pytest.skip("kills its host, and BASE_URL names somebody else's")
    host = HostProcess(tmp_path / "data", brisk(adf.url))
    yield host
    host.stop()
