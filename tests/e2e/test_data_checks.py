"""A green rerun whose data is wrong has healed nothing."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from simulators.client import AdfSimulator, DatabricksSimulator, PipelineRun
from tests.support.mend import Mend, Ticket

QUERY = "select count(*) from (select id from orders group by id having count(*) > 1)"


@pytest.fixture(autouse=True)
def no_checks_afterwards(mend: Mend) -> Iterator[None]:
    """Other tests have no checks."""
    yield
    mend.put("policy", {"data_checks": {}}).raise_for_status()


def checked(mend: Mend, name: str, **check: object) -> None:
    """Say what has to be true of the data that ``name`` writes."""
    answer = mend.put("policy", {"data_checks": {name: [{"name": "orders", **check}]}})
    assert answer.status_code == 200, answer.text


def failed(adf: AdfSimulator, rows: int) -> PipelineRun:
    """Return a failed run whose rerun copies ``rows``; three earlier runs copied a thousand."""
    name = f"load_{uuid4().hex[:8]}"

    def copies(number: int) -> dict[str, Any]:
        return {"outputs": {"Copy orders": {"rowsCopied": number}}}

    adf.script(
        name, [{"status": "Succeeded", "seconds": 0.2, **copies(rows)}], activities=["Copy orders"]
    )
    for hours in (1, 2, 3):
        adf.seed_run(name, started_seconds_ago=hours * 3600, **copies(1000))
    return adf.seed_failed_run(
        name,
        activity="Copy orders",
        error_code="2200",
        message="A transient error. SqlErrorNumber=40613, Database is not currently available.",
        started_seconds_ago=30.0,
    )


def reported(mend: Mend, run: PipelineRun) -> Ticket:
    """Report ``run`` and return its ticket at the end."""
    return mend.await_end(mend.report(run))


def test_enough_rows_heal(adf: AdfSimulator, mend: Mend) -> None:
    """And the ticket says how many."""
    run = failed(adf, 900)
    checked(mend, run.pipeline, kind="rows", output="Copy orders.rowsCopied")

    ticket = reported(mend, run)

    assert ticket["outcome"] == "healed"
    told = [event["message"] for event in mend.events(ticket["id"])]
    assert any("900 rows, 500 is 50% of the usual 1000" in message for message in told), told


def test_too_few_rows_are_for_a_person(adf: AdfSimulator, mend: Mend) -> None:
    """It is not rerun again: that would not bring more."""
    run = failed(adf, 12)
    checked(mend, run.pipeline.upper(), kind="rows", output="copy orders.rowsCopied")

    ticket = reported(mend, run)

    assert (ticket["status"], ticket["outcome"]) == ("escalated", "inconclusive")
    assert "12 rows" in ticket["summary"]
    assert len(adf.effects("createRun")) == 1


def test_what_cannot_be_measured_is_not_taken_for_good(adf: AdfSimulator, mend: Mend) -> None:
    """A step that is called otherwise by now must not switch the check off."""
    run = failed(adf, 900)
    checked(mend, run.pipeline, kind="rows", output="Copy ordres.rowsCopied")

    ticket = reported(mend, run)

    assert ticket["outcome"] == "inconclusive"
    assert "no number was found" in ticket["summary"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"value": 0}, "healed"),
        ({"value": 3}, "inconclusive"),
        ({"state": "FAILED", "error": "table orders not found"}, "inconclusive"),
    ],
)
def test_a_query_tells_of_duplicates(
    adf: AdfSimulator,
    databricks: DatabricksSimulator,
    mend: Mend,
    answer: dict[str, Any],
    outcome: str,
) -> None:
    """On a SQL warehouse of the default workspace; a query that fails is no reason to believe."""
    run = failed(adf, 900)
    databricks.statement(QUERY, **answer)
    checked(mend, run.pipeline, kind="duplicates", sql=QUERY, warehouse="w1")

    ticket = reported(mend, run)

    assert ticket["outcome"] == outcome, ticket["summary"]
    assert len(databricks.ledger("runStatement")) == 1


def test_a_notebook_tells_itself(databricks: DatabricksSimulator, mend: Mend) -> None:
    """What it exits with is its output."""
    job = f"orders_{uuid4().hex[:8]}"
    stockout = {"result": "FAILED", "code": "CLOUD_FAILURE", "message": "SkuNotAvailable"}
    well = {"result": "SUCCESS", "output": '{"rows": 3}'}
    databricks.job(job, [{"key": "load", "tries": [stockout, well]}])
    run = databricks.seed_run(job)
    checked(mend, job, kind="rows", output="load.rows", at_least=10)

    body = mend.http.post("/v1/tickets/webhook/databricks", json=run.notification()).json()
    ticket = mend.await_end(body["tickets"][0]["ticket_id"])

    assert ticket["outcome"] == "inconclusive"
    assert "3 rows, 10 is the least" in ticket["summary"]


def test_policy_is_read_and_written(mend: Mend) -> None:
    """What a PUT leaves out stays; what makes no sense is named and changes nothing."""
    first = mend.http.get("/v1/settings/policy").json()

    changed = mend.put("policy", {"rerun_safety": {"load": "idempotent"}}).json()
    wrong = mend.put("policy", {"rerun_safety": {"load": "perhaps"}})
    strange = mend.put("policy", {"limits": 7})
    after = mend.http.get("/v1/settings/policy").json()

    assert changed["version"] == first["version"] + 1
    assert after["rerun_safety"] == {"load": "idempotent"}
    assert after["attempts_per_hour"] == first["attempts_per_hour"]
    assert (wrong.status_code, strange.status_code) == (400, 400)
    assert "rerun_safety.load" in wrong.text
    assert after["version"] == changed["version"]
