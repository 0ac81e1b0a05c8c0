"""A Logic App carries actions out: requests, callbacks, and the truth from the record.

One host of its own, all of whose actions go through the workflow. The ledgers of the factory
and the workspace show what really happened, whatever the workflow says.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator, DatabricksSimulator, LogicAppSimulator, PipelineRun
from tests.e2e.conftest import BASE_URL
from tests.support.mend import Mend, Ticket, brisk, workspace

CALLBACK = "/remediation-callback"


@pytest.fixture(scope="module")
def logic_app_process(
    adf_process: AdfSimulator, databricks_process: DatabricksSimulator
) -> Iterator[LogicAppSimulator]:
    """Yield a workflow that can act on both systems."""
    with LogicAppSimulator.start() as simulator:
        simulator.connect(adf_process, databricks_process)
        yield simulator


@pytest.fixture
def logic_app(logic_app_process: LogicAppSimulator) -> LogicAppSimulator:
    """Return a workflow that has not been asked for anything yet."""
    logic_app_process.reset()
    return logic_app_process


@pytest.fixture(scope="module")
def host_url(
    adf_process: AdfSimulator,
    databricks_process: DatabricksSimulator,
    logic_app_process: LogicAppSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Yield a host whose actions all go through the workflow."""
    if BASE_URL:
        pytest.skip("needs settings of its own, and BASE_URL names somebody else's host")
    settings = brisk(
        adf_process.url,
        **workspace(databricks_process.url),
        MEND_LOGIC_APP_URL=logic_app_process.trigger_url,
    )
    with HostProcess(tmp_path_factory.mktemp("logic_app") / "data", settings) as host:
        yield host.url


@pytest.fixture
def mend(
    host_url: str,
    adf: AdfSimulator,  # noqa: ARG001 - reset
    logic_app: LogicAppSimulator,  # noqa: ARG001 - reset
) -> Iterator[Mend]:
    """Yield the API of that host."""
    with Mend(host_url) as api:
        yield api


def failed(adf: AdfSimulator, *reruns: str | dict[str, Any]) -> PipelineRun:
    """Return a failed run of a pipeline of its own, whose reruns go as told."""
    name = f"load_{uuid4().hex[:8]}"
    adf.script(name, reruns or ["Succeeded"])
    return adf.seed_failed_run(
        name,
        error_code="2200",
        message="A transient error. SqlErrorNumber=40613, Database is not currently available.",
    )


def healed(mend: Mend, ticket_id: str) -> Ticket:
    """Return the ticket, which must end healed."""
    ticket = mend.await_end(ticket_id)
    assert (ticket["status"], ticket["outcome"]) == ("resolved", "healed"), ticket["summary"]
    return ticket


def told(mend: Mend, ticket_id: str, kind: str) -> list[str]:
    """Return the messages of one kind in the ticket's timeline."""
    return [event["message"] for event in mend.events(ticket_id) if event["type"] == kind]


def test_the_workflow_acts_and_calls_back(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """One request, one run, one callback that is kept; the run itself decides."""
    run = failed(adf)

    ticket = healed(mend, mend.report(run))

    (workflow,) = logic_app.workflow_runs()
    (attempt,) = ticket["attempts"]
    assert adf.effects("createRun") == workflow.run_ids == [attempt["external_run_id"]]
    assert len(logic_app.ledger("startRun")) == 1
    request = workflow.request
    assert request["action"] == "rerun_from_failure"
    assert request["ticket_id"] == ticket["id"]
    assert request["resource"]["name"] == run.pipeline  # type: ignore[index]
    assert request["callback_url"].endswith("/api/remediation-callback")  # type: ignore[attr-defined]
    assert told(mend, ticket["id"], "remediation.callback") or workflow.reports == []


@pytest.mark.parametrize("fault", ["lose_answer_504", "reset_after", "html_502"])
def test_a_request_whose_answer_is_lost_is_not_repeated(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend, fault: str
) -> None:
    """The run that the workflow started shows that it arrived."""
    run = failed(adf)
    logic_app.fault("startRun", fault)

    healed(mend, mend.report(run))

    assert len(logic_app.ledger("startRun")) == 1
    assert len(adf.effects("createRun")) == 1


@pytest.mark.parametrize("fault", ["throttle_429", "conflict_409_retry_after"])
def test_a_request_that_is_turned_away_is_sent_again(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend, fault: str
) -> None:
    """Nothing happened the first time, and the other side says so."""
    run = failed(adf)
    logic_app.fault("startRun", fault, retry_after=0.1)

    healed(mend, mend.report(run))

    assert len(logic_app.effects("startRun")) == 1
    assert len(adf.effects("createRun")) == 1


def test_a_lying_callback_heals_nothing(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """It says success while the run fails; the record is believed."""
    run = failed(adf, {"status": "Failed", "seconds": 0.3, "error": _bug()})
    logic_app.script(reports=[{"status": "Succeeded", "success": True}])

    ticket = mend.await_end(mend.report(run))

    assert ticket["status"] == "escalated"
    assert ticket["outcome"] != "healed"


def test_a_callback_that_slanders_changes_nothing(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """It says failed while the run succeeds; the record is believed."""
    run = failed(adf, {"status": "Succeeded", "seconds": 0.5})
    logic_app.script(reports=[{"at": "start", "status": "Failed", "success": False}])

    healed(mend, mend.report(run))

    assert len(adf.effects("createRun")) == 1


def test_silence_is_made_up_for_by_looking(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """A workflow that never reports is no reason to wait for ever."""
    run = failed(adf)
    logic_app.script(reports=[])

    healed(mend, mend.report(run))

    assert logic_app.workflow_runs()[0].reports == []


def test_every_kind_of_callback_has_its_answer(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """First 200, the same again 200; contradiction, wrong attempt, wrong token noted or refused."""
    run = failed(adf, {"status": "Succeeded", "seconds": 3})
    early = {"at": "start", "status": "Failed", "success": False, "without_run_id": True}
    logic_app.script(
        reports=[
            {"at": "start", "status": "Running", "success": False, "without_run_id": True},
            {**early, "after_seconds": 0.6},
            {**early, "after_seconds": 0.8},
            {**early, "after_seconds": 1.0, "status": "Cancelled"},
            {**early, "after_seconds": 1.2, "attempt_number": 7},
            {**early, "after_seconds": 1.4, "token": "k1.forged"},
            {**early, "after_seconds": 1.6, "ticket_id": "TIK-20200101-000000"},
            {**early, "after_seconds": 1.8, "body": {"ticket_id": 5}},
            {**early, "after_seconds": 2.0, "body": "hello"},
        ]
    )

    ticket = healed(mend, mend.report(run))

    (workflow,) = logic_app.workflow_runs()
    answers = [report["status"] for report in workflow.reports]
    # With another attempt's number the token is not that attempt's.
    assert answers == [202, 200, 200, 202, 403, 403, 404, 400, 400]
    assert len(told(mend, ticket["id"], "remediation.callback")) == 1
    assert len(told(mend, ticket["id"], "remediation.callback_noted")) == 2


def test_a_late_callback_is_noted(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """The ticket is closed long since; it stays as it is."""
    run = failed(adf)
    logic_app.script(reports=[{"after_seconds": 2.5}])
    ticket_id = mend.report(run)
    before = healed(mend, ticket_id)

    mend.await_ticket(
        ticket_id, lambda _: bool(told(mend, ticket_id, "remediation.callback_noted"))
    )

    after = mend.ticket(ticket_id)
    assert after["outcome"] == "healed"
    assert after["closed_at"] == before["closed_at"]
    assert after["attempts"] == before["attempts"]


def test_a_callback_that_names_a_strange_run_is_not_followed(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """Only one to a run of the same pipeline, begun after the request, is."""
    other = adf.seed_failed_run(f"other_{uuid4().hex[:8]}")
    run = failed(adf, {"status": "Failed", "seconds": 0.5, "error": _bug()})
    lie = {"at": "start", "status": "Succeeded", "success": True, "run_id": other.run_id}
    logic_app.script(delay_seconds=1, reports=[lie])

    ticket = mend.await_end(mend.report(run))

    assert ticket["attempts"][0]["external_run_id"] != other.run_id
    assert ticket["outcome"] != "healed"


def test_a_workflow_that_acts_twice_is_seen(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """We sent one request; the older run is watched, and the ticket ends right."""
    run = failed(adf, "Succeeded", "Succeeded")
    logic_app.script(acts_twice=True)

    ticket = healed(mend, mend.report(run))

    assert len(logic_app.ledger("startRun")) == 1
    assert ticket["attempts"][0]["external_run_id"] in adf.effects("createRun")


def test_a_refused_request_is_handed_to_a_person(
    adf: AdfSimulator, logic_app: LogicAppSimulator, mend: Mend
) -> None:
    """The trigger is gone or closed to us; the secret in its URL is told to nobody."""
    run = failed(adf)
    logic_app.fault("startRun", "forbidden_403")

    ticket = mend.await_end(mend.report(run))

    assert ticket["status"] == "escalated"
    assert adf.effects("createRun") == []
    assert "simulated-signature" not in str(ticket) + str(mend.events(ticket["id"]))


@pytest.mark.parametrize(
    ("tries", "cure"),
    [
        (
            [
                {"result": "FAILED", "code": "CLOUD_FAILURE", "message": "SkuNotAvailable"},
                {"result": "SUCCESS"},
            ],
            "repair_run",
        ),
        (
            [
                {
                    "result": "FAILED",
                    "error": "The Python kernel is unresponsive.",
                    "heals_when": "restarted",
                }
            ],
            "restart_cluster",
        ),
    ],
)
def test_databricks_goes_the_same_way(
    databricks: DatabricksSimulator,
    logic_app: LogicAppSimulator,
    mend: Mend,
    tries: list[dict[str, object]],
    cure: str,
) -> None:
    """The workflow repairs; the repair is recognised in the run's history."""
    job, cluster = f"orders_{uuid4().hex[:8]}", f"c-{uuid4().hex[:8]}"
    databricks.cluster(cluster)
    databricks.job(job, [{"key": "load", "existing_cluster_id": cluster, "tries": tries}])
    run = databricks.seed_run(job)

    answer = mend.http.post("/v1/tickets/webhook/databricks", json=run.notification())
    ticket = healed(mend, answer.json()["tickets"][0]["ticket_id"])

    assert [attempt["action"] for attempt in ticket["attempts"]] == [cure]
    assert len(databricks.effects("repairRun")) == 1
    assert len(logic_app.ledger("startRun")) == 1


def _bug() -> dict[str, str]:
    return {
        "errorCode": "2906",
        "message": "Invalid column name 'ordr_id'.",
        "failureType": "UserError",
    }


def test_nobody_reports_without_the_token(mend: Mend, adf: AdfSimulator) -> None:
    """Missing token, unknown ticket, no JSON: each with its own status and problem."""
    ticket_id = mend.report(failed(adf))
    report = {
        "ticket_id": ticket_id,
        "attempt_number": 1,
        "status": "Succeeded",
        "success": True,
        "remediation_run_id": 456,
        "error_message": None,
    }

    forged = mend.http.post(CALLBACK, json=report)
    stranger = mend.http.post(CALLBACK, json={**report, "ticket_id": "TIK-1"})
    broken = mend.http.post(CALLBACK, content=b"{")
    incomplete = mend.http.post(CALLBACK, json={"ticket_id": ticket_id})

    assert [a.status_code for a in (forged, stranger, broken, incomplete)] == [403, 404, 400, 400]
    assert all(
        a.headers["content-type"] == "application/problem+json"
        for a in (forged, stranger, broken, incomplete)
    )
    assert "attempt_number" in incomplete.text
    healed(mend, ticket_id)
