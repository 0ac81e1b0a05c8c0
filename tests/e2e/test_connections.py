"""What Mend depends on, tried from outside: how far each try comes, and no secret on the way."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from demo.processes import HostProcess
from simulators.client import (
    AdfSimulator,
    JiraSimulator,
    KeyVaultSimulator,
    ModelSimulator,
    SlackSimulator,
    SmtpSimulator,
)
from tests.e2e.conftest import BASE_URL
from tests.support.mend import Mend, brisk
from tests.support.simulators import (
    jira,
    jira_process,
    key_vault_process,
    llm_process,
    slack,
    slack_process,
    smtp_process,
)

__all__ = [
    "jira",
    "jira_process",
    "key_vault_process",
    "llm_process",
    "slack",
    "slack_process",
    "smtp_process",
]

CANARY = "planted-secret-7f3a"
VAULT_SECRET = f"{CANARY}-from-the-vault"


@pytest.fixture(scope="module")
def host_url(
    adf_process: AdfSimulator,
    jira_process: JiraSimulator,
    key_vault_process: KeyVaultSimulator,
    llm_process: ModelSimulator,
    slack_process: SlackSimulator,
    smtp_process: SmtpSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Yield a host whose every credential has a planted word in it where it may be any."""
    if BASE_URL:
        pytest.skip("needs settings of its own, and BASE_URL names somebody else's host")
    key_vault_process.put("databricks-token", VAULT_SECRET)
    settings = brisk(
        adf_process.url,
        MEND_ADF_TOKEN=f"{CANARY}-adf",
        # Nobody listens at the discard port.
        MEND_DATABRICKS_HOST="http://127.0.0.1:9",
        MEND_DATABRICKS_TOKEN="kv://databricks-token",
        KEY_VAULT_URL=key_vault_process.url,
        MEND_LLM_BASE_URL=llm_process.base_url,
        MEND_LLM_MODEL="small",
        MEND_LLM_API_KEY=f"{CANARY}-model",
        MEND_SLACK_BASE_URL=slack_process.base_url,
        MEND_SLACK_TOKEN=f"{CANARY}-slack",
        MEND_SLACK_CHANNEL="C0001",
        MEND_JIRA_BASE_URL=jira_process.url,
        MEND_JIRA_USER="mend@example.com",
        MEND_JIRA_TOKEN=jira_process.token,
        MEND_JIRA_PROJECT="OPS",
        MEND_SMTP_URL=smtp_process.mail_url(f"{CANARY}-mail"),
        MEND_MAIL_FROM="mend@example.com",
        MEND_MAIL_TO="ops@example.com",
        MEND_TEAMS_WEBHOOK_URL=f"{adf_process.url}/workflow?sig={CANARY}-teams",
    )
    with HostProcess(tmp_path_factory.mktemp("connections") / "data", settings) as host:
        yield host.url


@pytest.fixture
def mend(host_url: str, adf: AdfSimulator) -> Iterator[Mend]:  # noqa: ARG001 - reset
    """Yield its API."""
    with Mend(host_url) as api:
        yield api


def tried(mend: Mend, name: str) -> dict[str, Any]:
    """Return what came of trying one."""
    answer = mend.http.post(f"/v1/connections/{name}/test")
    assert answer.status_code == 200, answer.text
    assert CANARY not in answer.text
    return dict(answer.json())


def steps(found: dict[str, Any]) -> dict[str, bool | None]:
    """Return how each step went."""
    return {one["name"]: one["ok"] for one in found["checks"]}


def test_what_there_is_and_no_secret_of_it(mend: Mend) -> None:
    """A reference or the name of a setting stands for each credential."""
    answer = mend.http.get("/v1/connections")
    found = {one["name"]: one for one in answer.json()["items"]}
    assert set(found) == {
        "adf", "databricks", "model", "slack", "jira", "mail", "teams", "key-vault", "store",
    }  # fmt: skip
    assert found["databricks"]["credential"] == "kv://databricks-token"
    assert found["slack"]["credential"] == "MEND_SLACK_TOKEN"
    assert found["adf"]["where"] == "127.0.0.1"
    assert CANARY not in answer.text


@pytest.mark.parametrize("name", ["adf", "model", "jira", "key-vault", "store"])
def test_what_answers(mend: Mend, adf: AdfSimulator, name: str) -> None:
    """All three steps, with what was seen; nothing was changed anywhere."""
    found = tried(mend, name)
    assert found["ok"], found
    assert steps(found) == {"answers": True, "signs_in": True, "reads": True}
    assert found["checks"][-1]["detail"]
    assert adf.effects("createRun") == []


def test_what_does_something_at_every_request(mend: Mend, adf: AdfSimulator) -> None:
    """Only its host is looked at, and no more is claimed."""
    found = tried(mend, "teams")
    assert found["ok"]
    assert steps(found) == {"answers": True, "signs_in": None, "reads": None}
    assert "a real one" in found["checks"][0]["detail"]
    assert adf.ledger("unknown") == []


def test_a_credential_that_is_not_accepted(mend: Mend) -> None:
    """It is reached; what to renew is named."""
    found = tried(mend, "slack")
    assert not found["ok"]
    assert steps(found) == {"answers": True, "signs_in": False, "reads": None}
    assert "MEND_SLACK_TOKEN" in found["checks"][1]["advice"]


def test_nobody_is_there(mend: Mend) -> None:
    """The address and the network are what to look at."""
    found = tried(mend, "databricks")
    assert steps(found) == {"answers": False, "signs_in": None, "reads": None}
    assert "MEND_DATABRICKS_HOST" in found["checks"][0]["advice"]


@pytest.mark.parametrize(
    ("fault", "step", "says"),
    [
        ("unauthorized_401", "signs_in", "renew"),
        ("forbidden_403", "reads", "Give it the role Data Factory Contributor"),
        ("not_found_404", "reads", "look at MEND_ADF_SUBSCRIPTION_ID"),
        ("throttle_429", "reads", "throttling"),
        ("refuse_503", "answers", "in trouble itself"),
        ("reset_before", "answers", "whether this network may reach 127.0.0.1"),
    ],
)
def test_it_says_no(mend: Mend, adf: AdfSimulator, fault: str, step: str, says: str) -> None:
    """Each kind of no has its own advice."""
    adf.fault("queryPipelineRuns", fault, times=9)
    found = tried(mend, "adf")
    failed = next(one for one in found["checks"] if one["ok"] is False)
    assert failed["name"] == step
    assert says in failed["advice"]


def test_an_unknown_name(mend: Mend) -> None:
    """A 404 that names those there are."""
    answer = mend.http.post(f"/v1/connections/{quote('pager')}/test")
    assert answer.status_code == 404
    assert "databricks" in json.dumps(answer.json())
