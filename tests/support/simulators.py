"""Fixtures for tests against simulators in their own processes.

A test package uses them by importing them into its ``conftest.py``. A process is shared by
the session and reset before each test, so a test costs milliseconds.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from simulators.client import (
    AdfSimulator,
    DatabricksSimulator,
    IdentitySimulator,
    JiraSimulator,
    KeyVaultSimulator,
    LogicAppSimulator,
    ModelSimulator,
    SlackSimulator,
    SmtpSimulator,
    TeamsSimulator,
)

FACTORY = "adf-retail"
GROUP = "rg-data"
SUBSCRIPTION = "00000000-0000-4000-8000-0000000000aa"


def wait_until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Poll until ``holds`` is true in another process, or fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def adf_process() -> Iterator[AdfSimulator]:
    """One Data Factory by the system's clock for all tests of the session."""
    with AdfSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def adf(adf_process: AdfSimulator) -> AdfSimulator:
    """An empty Data Factory by the system's clock."""
    adf_process.reset()
    return adf_process


@pytest.fixture(scope="session")
def databricks_process() -> Iterator[DatabricksSimulator]:
    """One Databricks workspace by the system's clock for all tests of the session."""
    with DatabricksSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def databricks(databricks_process: DatabricksSimulator) -> DatabricksSimulator:
    """An empty Databricks workspace by the system's clock."""
    databricks_process.reset()
    return databricks_process


@pytest.fixture(scope="session")
def logic_app_process() -> Iterator[LogicAppSimulator]:
    """One Logic App for all tests of the session."""
    with LogicAppSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def logic_app(logic_app_process: LogicAppSimulator) -> LogicAppSimulator:
    """A Logic App that has not been asked for anything yet."""
    logic_app_process.reset()
    return logic_app_process


@pytest.fixture(scope="session")
def identity_process() -> Iterator[IdentitySimulator]:
    """One identity provider by the system's clock for all tests of the session."""
    with IdentitySimulator.start() as simulator:
        yield simulator


@pytest.fixture
def identity(identity_process: IdentitySimulator) -> IdentitySimulator:
    """An identity provider with one key."""
    identity_process.reset()
    return identity_process


@pytest.fixture(scope="session")
def llm_process() -> Iterator[ModelSimulator]:
    """One language model for all tests of the session."""
    with ModelSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def llm(llm_process: ModelSimulator) -> ModelSimulator:
    """A language model that is honest and knows nothing."""
    llm_process.reset()
    return llm_process


@pytest.fixture(scope="session")
def key_vault_process() -> Iterator[KeyVaultSimulator]:
    """One Key Vault for all tests of the session."""
    with KeyVaultSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def key_vault(key_vault_process: KeyVaultSimulator) -> KeyVaultSimulator:
    """An empty Key Vault."""
    key_vault_process.reset()
    return key_vault_process


@pytest.fixture(scope="session")
def frozen_adf_process() -> Iterator[AdfSimulator]:
    """One Data Factory whose time stands still, for all tests of the session."""
    with AdfSimulator.start(manual_clock=True) as simulator:
        yield simulator


@pytest.fixture
def frozen_adf(frozen_adf_process: AdfSimulator) -> AdfSimulator:
    """An empty Data Factory where time passes only by ``advance``."""
    frozen_adf_process.reset()
    return frozen_adf_process


@pytest.fixture(scope="session")
def slack_process() -> Iterator[SlackSimulator]:
    """One Slack workspace for all tests of the session."""
    with SlackSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def slack(slack_process: SlackSimulator) -> SlackSimulator:
    """An empty Slack workspace."""
    slack_process.reset()
    return slack_process


@pytest.fixture(scope="session")
def jira_process() -> Iterator[JiraSimulator]:
    """One Jira site for all tests of the session."""
    with JiraSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def jira(jira_process: JiraSimulator) -> JiraSimulator:
    """An empty Jira site."""
    jira_process.reset()
    return jira_process


@pytest.fixture(scope="session")
def teams_process() -> Iterator[TeamsSimulator]:
    """One Teams workflow for all tests of the session."""
    with TeamsSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def teams(teams_process: TeamsSimulator) -> TeamsSimulator:
    """An empty Teams workflow."""
    teams_process.reset()
    return teams_process


@pytest.fixture(scope="session")
def smtp_process() -> Iterator[SmtpSimulator]:
    """One mail server for all tests of the session."""
    with SmtpSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def smtp(smtp_process: SmtpSimulator) -> SmtpSimulator:
    """An empty mail server."""
    smtp_process.reset()
    return smtp_process
