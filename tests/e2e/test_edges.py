"""What a strict reader of the API's description tries besides the usual."""

from uuid import uuid4

import httpx
import pytest

from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, DatabricksSimulator
from tests.support.mend import Mend


def problem(answer: httpx.Response, status: int) -> str:
    """Return the field that a problem document names; empty: none."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return "".join(one["field"] for one in answer.json().get("errors", ()))


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/tickets/a/b/c", "/v2/tickets"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_is_not_there(mend: Mend, path: str, method: str) -> None:
    """It is a 404 with a problem document, whatever the method."""
    problem(mend.http.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/tickets", "GET, POST"),
        ("PUT", "/v1/tickets/TIK-20261120-FFFFFF", "GET, PATCH"),
        ("GET", "/v1/tickets/webhook/adf", "POST"),
        ("PATCH", "/v1/settings/execution-mode", "GET, POST, PUT"),
        ("GET", "/remediation-callback", "POST"),
        ("POST", "/health", "GET"),
    ],
)
def test_another_method_would_do(mend: Mend, method: str, path: str, allowed: str) -> None:
    """It is a 405 that says which, and so does OPTIONS."""
    answer = mend.http.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"] == allowed
    asked = mend.http.options(path)
    assert (asked.status_code, asked.headers["allow"]) == (204, allowed)


def test_an_etag_of_something_else(mend: Mend) -> None:
    """It is an ETag, so the precondition fails; what is none is a mistake."""
    ticket = mend.http.post("/v1/tickets", json={"title": f"etag {uuid4()}"}).json()
    path = f"/v1/tickets/{ticket['id']}"
    foreign = mend.http.patch(path, json={"note": "x"}, headers={"If-Match": '"of-a-page"'})
    none = mend.http.patch(path, json={"note": "x"}, headers={"If-Match": "of a page"})
    assert problem(foreign, 412) == ""
    assert problem(none, 400) == "If-Match"


@pytest.mark.parametrize(
    ("setting", "body", "field"),
    [
        ("kill-switch", {}, "on"),
        ("kill-switch", {"scope": "environment:prod", "reason": "stop it"}, "on"),
        ("execution-mode", {}, "body"),
        ("policy", {}, "body"),
        ("policy", {"version": "1"}, "version"),
    ],
)
def test_what_changes_nothing_is_refused(
    mend: Mend, setting: str, body: dict[str, object], field: str
) -> None:
    """Who believes to have stopped something must have."""
    assert problem(mend.put(setting, body), 400) == field


def test_the_policy_is_sent_back_as_it_was_read(mend: Mend) -> None:
    """With the version in it: good once, and 412 for whoever comes second."""
    read = mend.http.get("/v1/settings/policy").json()
    first = mend.put("policy", {**read, "running": 199})
    second = mend.put("policy", {**read, "running": 198})
    assert first.status_code == 200, first.text
    assert (first.json()["version"], first.json()["running"]) == (read["version"] + 1, 199)
    problem(second, 412)
    assert mend.http.get("/v1/settings/policy").json() == first.json()
    foreign = {"If-Match": '"of-a-page"'}
    wrong = mend.http.put("/v1/settings/policy", json={"running": "many"}, headers=foreign)
    right = mend.http.put("/v1/settings/policy", json={"running": 200}, headers=foreign)
    assert problem(wrong, 400) == "running"
    problem(right, 412)
    assert mend.put("policy", {"running": 200}).status_code == 200


def test_a_ticket_in_its_own_words(adf: AdfSimulator, mend: Mend) -> None:
    """What a ticket shows as its resource is taken as such."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=f"words_{uuid4().hex[:8]}")
    resource = {"platform": "adf", "kind": "pipeline", "name": run.pipeline, "run_id": run.run_id}
    body = {"title": "It failed", "platform": "adf", "resource": resource}
    opened = mend.http.post("/v1/tickets", json=body)
    assert opened.status_code == 201, opened.text
    ended = mend.await_end(opened.json()["id"])
    assert ended["outcome"] == "healed"
    again = mend.http.post("/v1/tickets", json={**body, "resource": ended["resource"]})
    assert (again.status_code, again.json()["id"]) == (200, ended["id"])


def test_a_run_by_its_number(databricks: DatabricksSimulator, mend: Mend) -> None:
    """Databricks counts its runs: a number is as good as its text."""
    name = f"numbers_{uuid4().hex[:8]}"
    databricks.job(name, [{"key": "main"}])
    run = databricks.seed_run(name)
    opened = mend.http.post(
        "/v1/tickets", json={"title": "It failed", "job": name, "run_id": int(run.run_id)}
    )
    assert opened.status_code == 201, opened.text
    assert opened.json()["resource"]["run_id"] == run.run_id


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"platform": "adf"}, "body"),
        ({"pipeline": "p", "resource": {"platform": "adf", "name": "p"}}, "body"),
        ({"platform": "adf", "resource": {"platform": "databricks", "name": "p"}}, "body"),
        ({"resource": {"platform": "adf"}}, "resource.name"),
        ({"resource": {"platform": "moon", "name": "p"}}, "resource.platform"),
        ({"resource": {"platform": "adf", "name": "p", "size": 1}}, "resource.size"),
        ({"job": "j", "run_id": True}, "run_id"),
    ],
)
def test_words_that_contradict_each_other(
    mend: Mend, fields: dict[str, object], field: str
) -> None:
    """They are refused by name."""
    answer = mend.http.post("/v1/tickets", json={"title": "It failed", **fields})
    assert problem(answer, 400) == field


def test_an_empty_file(mend: Mend) -> None:
    """It is told apart from an empty body of JSON."""
    answer = mend.http.post(
        "/v1/tickets/upload-csv", content=b" ", headers={"Content-Type": "text/csv"}
    )
    problem(answer, 400)
    assert "names the columns" in answer.json()["detail"]


def test_the_target_is_that_of_the_severity(mend: Mend) -> None:
    """The policy says it; who makes a ticket more urgent changes how long it may take."""
    assert mend.put("policy", {"sla_minutes_by_severity": {"critical": 15}}).status_code == 200
    try:
        critical = mend.http.post(
            "/v1/tickets", json={"title": f"sla {uuid4()}", "severity": "critical"}
        ).json()
        low = mend.http.post("/v1/tickets", json={"title": f"sla {uuid4()}", "severity": "low"})
        assert critical["sla"]["target_minutes"] == 15
        assert low.json()["sla"]["target_minutes"] == 60
    finally:
        assert mend.put("policy", {"sla_minutes_by_severity": {}}).status_code == 200
    assert problem(mend.put("policy", {"sla_minutes_by_severity": {"low": 0}}), 400).startswith(
        "sla_minutes_by_severity"
    )


@pytest.mark.parametrize("field", ["status", "outcome", "severity", "note"])
def test_nothing_is_made_null(mend: Mend, field: str) -> None:
    """Only an assignee can be taken away; a ticket without severity would be no ticket."""
    ticket = mend.http.post("/v1/tickets", json={"title": f"null {uuid4()}"}).json()
    mend.await_end(ticket["id"])
    path = f"/v1/tickets/{ticket['id']}"
    etag = mend.http.get(path).headers["etag"]
    others = {"status": "closed", "outcome": "cancelled", "note": "x", "severity": "low"}
    body = {**others, field: None}
    answer = mend.http.patch(path, json=body, headers={"If-Match": etag})
    assert problem(answer, 400) == field
    assert mend.ticket(ticket["id"])["severity"] == "high"
