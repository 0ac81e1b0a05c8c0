"""Bad input gets a clear 4xx that names the field, and leaves nothing behind."""

import base64
import json

import pytest

from simulators.client import AdfSimulator
from tests.support.mend import Mend

GOOD = {
    "dataFactoryName": "adf-retail",
    "pipelineName": "load_bad",
    "runId": "3d1f0000-0000-4000-8000-00000000bad1",
}


def altered(**fields: object) -> str:
    """Return a good body with ``fields`` changed."""
    return json.dumps({**GOOD, **fields})


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param("", 400, "body", id="nothing"),
        pytest.param("hello", 400, "body", id="not JSON"),
        pytest.param(b"\xff\xfe\x00", 400, "body", id="not text"),
        pytest.param("[]", 400, "body", id="an empty list"),
        pytest.param("17", 400, "body", id="a number"),
        pytest.param("null", 400, "body", id="null"),
        pytest.param('{"runId": "r1"}', 400, "pipelineName", id="no pipeline"),
        pytest.param('{"pipelineName": "p"}', 400, "runId", id="no run"),
        pytest.param(altered(runId=""), 400, "runId", id="empty run id"),
        pytest.param(altered(runId=["r1"]), 400, "runId", id="run id of a wrong type"),
        pytest.param(altered(pipelineName={"a": 1}), 400, "pipelineName", id="name wrong type"),
        pytest.param(altered(pipelineName="x" * 10_000), 400, "pipelineName", id="endless name"),
        pytest.param(
            altered(runId="@{pipeline().RunId}"), 400, "runId", id="an expression left unresolved"
        ),
        pytest.param(altered(message="x" * 300_000), 413, "body", id="300 KB"),
        pytest.param(
            f'{{"runId": "r1", "pipelineName": "p", "x": {"[" * 500}{"]" * 500}}}',
            413,
            None,
            id="deep nesting",
        ),
        pytest.param("[" * 100_000, 413, None, id="nesting without an end"),
        pytest.param('{"runId": "r1", "pipelineName": "p", "x": NaN}', 400, None, id="NaN"),
        pytest.param(
            '{"runId": "r\\ud800", "pipelineName": "p"}', 400, "runId", id="lone surrogate"
        ),
        pytest.param(
            '{"runId": "r1", "runId": "r2", "pipelineName": "p"}', 400, "runId", id="twice"
        ),
    ],
)
def test_refused(
    adf: AdfSimulator, mend: Mend, body: str | bytes, status: int, field: str | None
) -> None:
    """A problem document says what is wrong and where; no ticket appears."""
    before = len(mend.tickets())

    answer = mend.post(body)

    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["detail"]
    named = problem["errors"][0]["field"]
    assert named == field if field else named
    assert len(mend.tickets()) == before
    assert adf.ledger() == []


def test_a_message_that_breaks_the_json_is_forgiven(adf: AdfSimulator, mend: Mend) -> None:
    """Authors forget to escape the error text; run and pipeline are found all the same."""
    run = adf.seed_failed_run("unescaped", message="x")
    body = (
        f'{{"pipelineName": "unescaped", "runId": "{run.run_id}", '
        '"message": "Operation "copy" failed\nat line 2"}'
    )

    answer = mend.post(body)

    assert answer.status_code == 202, answer.text
    ticket = mend.await_end(answer.json()["tickets"][0]["ticket_id"])
    assert ticket["resource"]["run_id"] == run.run_id
    assert ticket["notes"]


def test_an_unknown_source_is_not_found(mend: Mend) -> None:
    """The answer lists the sources there are."""
    answer = mend.post(GOOD, "pigeon")

    assert answer.status_code == 404
    assert "azure-monitor" in answer.json()["detail"]


def test_an_unknown_ticket_is_not_found(mend: Mend) -> None:
    """Ticket and timeline alike."""
    for path in ("/v1/tickets/TIK-none", "/v1/tickets/TIK-none/events"):
        answer = mend.http.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=happy", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"[" * 9000).decode(), "cursor"),
        ("colour=red", "colour"),
    ],
)
def test_bad_filters(mend: Mend, query: str, field: str) -> None:
    """A filter that is not understood is refused, not ignored."""
    answer = mend.http.get(f"/v1/tickets?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("setting", "body", "field"),
    [
        ("execution-mode", {"mode": "yolo"}, "mode"),
        ("execution-mode", {"confidence_threshold": 1.5}, "confidence_threshold"),
        ("execution-mode", {"confidence_threshold": "0.5"}, "confidence_threshold"),
        ("execution-mode", {"colour": "red"}, "colour"),
        ("kill-switch", {"on": "yes"}, "on"),
        ("kill-switch", {"scope": "moon", "on": True}, "scope"),
    ],
)
def test_bad_settings(mend: Mend, setting: str, body: dict[str, object], field: str) -> None:
    """A setting is changed as a whole or not at all."""
    before = mend.http.get(f"/v1/settings/{setting}").json()

    answer = mend.put(setting, body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert mend.http.get(f"/v1/settings/{setting}").json() == before


def test_a_page_of_another_site_cannot_change_anything(mend: Mend) -> None:
    """A browser tells where a request comes from; a stranger's page is turned away."""
    answer = mend.http.post(
        "/v1/settings/execution-mode",
        content='{"confidence_threshold": 0}',
        headers={"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 403
    assert mend.http.get("/v1/settings/execution-mode").json()["confidence_threshold"] == 0.8
