"""A person decides: by the API, by a link, in time, once; programs that follow links do not."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from demo.processes import HostProcess
from shared.domain.approval import Approval
from shared.security.approval_links import ApprovalLinks
from shared.signing import parse_keys
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator
from tests.support.mend import Mend, brisk

KEYS = "k1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
SCANNERS = ("Slackbot-LinkExpanding 1.0", "SafeLinks", "Mozilla/5.0 Teams", "Proofpoint", "")


@pytest.fixture(scope="module")
def url(adf_process: AdfSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a host whose signing key is known."""
    settings = brisk(adf_process.url, MEND_SIGNING_KEYS=KEYS, MEND_MODE="hil")
    with HostProcess(tmp_path_factory.mktemp("approvals") / "data", settings) as host:
        yield host.url


@pytest.fixture
def hil(url: str, adf: AdfSimulator) -> Iterator[Mend]:
    """Yield the API of a host that asks about everything."""
    _ = adf
    with Mend(url) as api:
        yield api


def waiting(mend: Mend, adf: AdfSimulator, name: str) -> dict[str, Any]:
    """Let a pipeline fail and return the question about it."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name)
    ticket = mend.await_ticket(mend.report(run), lambda one: one["status"] == "awaiting_approval")
    return dict(mend.http.get(f"/v1/approvals/{ticket['approval']['id']}").json())


def say(mend: Mend, question: dict[str, Any], decision: str, **more: object) -> httpx.Response:
    """Decide as the dashboard does."""
    body = {"decision": decision, "plan_hash": question["plan_hash"], **more}
    return mend.http.post(f"/v1/approvals/{question['id']}/decision", json=body)


def link_of(mend: Mend, question: dict[str, Any]) -> str:
    """Return the signed link's token."""
    links = ApprovalLinks(parse_keys(KEYS), str(mend.http.base_url))
    fields = {name: question[name] for name in Approval.model_fields if name in question}
    return links.token(Approval.model_validate(fields))


def test_a_yes_heals(adf: AdfSimulator, hil: Mend) -> None:
    """Nothing happens before it; then exactly what was asked."""
    question = waiting(hil, adf, "asked_yes")
    assert (question["status"], question["action"]) == ("pending", question["plan"]["action"])
    assert question["can_be_decided"] is True
    assert question["evidence"]
    assert adf.effects("createRun") == []
    assert question["id"] in [
        one["id"] for one in hil.http.get("/v1/approvals?status=pending").json()["items"]
    ]

    decided = say(hil, question, "approve", reason="go on")
    ticket = hil.await_end(question["ticket_id"])

    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    assert (ticket["status"], ticket["outcome"]) == ("resolved", "healed")
    assert len(adf.effects("createRun")) == 1
    agreed = [one["text"] for one in ticket["decision"]["reasons"] if "has agreed" in one["text"]]
    assert agreed == ["the mode is HIL: a person decides; local user has agreed"]
    late = say(hil, question, "reject", reason="too late")
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert "local user" in late.json()["detail"]


def test_a_no_ends_it(adf: AdfSimulator, hil: Mend) -> None:
    """With a reason; nothing is done."""
    question = waiting(hil, adf, "asked_no")
    assert say(hil, question, "reject").status_code == 400
    assert say(hil, question, "perhaps").status_code == 400
    assert say(hil, {**question, "plan_hash": "0" * 64}, "approve").status_code == 409
    assert say(hil, question, "reject", reason="month end").status_code == 200
    ticket = hil.await_end(question["ticket_id"])

    assert (ticket["status"], ticket["outcome"]) == ("escalated", "rejected")
    assert adf.effects("createRun") == []


def test_programs_that_follow_links_decide_nothing(adf: AdfSimulator, hil: Mend) -> None:
    """GET, HEAD, OPTIONS, parts of it, and a click without anything typed: a hundred times."""
    question = waiting(hil, adf, "asked_scanned")
    token, before = link_of(hil, question), hil.ticket(question["ticket_id"])
    for number in range(100):
        agent = {"User-Agent": SCANNERS[number % len(SCANNERS)]}
        for method, headers in (
            ("GET", agent),
            ("HEAD", agent),
            ("OPTIONS", agent),
            ("GET", {**agent, "Range": "bytes=0-99"}),
        ):
            path = f"/approve?t={token}" if number % 2 else "/approve"
            assert hil.http.request(method, path, headers=headers).status_code < 500
        clicked = hil.http.post(
            "/v1/approvals/by-token",
            json={"token": token, "decision": "approve", "challenge": "", "reason": ""},
            headers=agent,
        )
        assert clicked.status_code == 400

    assert hil.ticket(question["ticket_id"])["version"] == before["version"]
    assert adf.effects("createRun") == []
    say(hil, question, "reject", reason="over")


def test_a_person_decides_behind_a_link(adf: AdfSimulator, hil: Mend) -> None:
    """Sees the plan, types the challenge, once; recorded as whoever held the link."""
    question = waiting(hil, adf, "asked_by_link")
    token = link_of(hil, question)
    shown = hil.http.post("/v1/approvals/by-token", json={"token": token}).json()
    assert shown["plan_hash"] == question["plan_hash"]
    body = {
        "token": token,
        "decision": "approve",
        "challenge": question["ticket_id"][-4:].lower(),
        "plan_hash": shown["plan_hash"],
    }
    elsewhere = hil.http.post(
        "/v1/approvals/by-token", json=body, headers={"Sec-Fetch-Site": "cross-site"}
    )
    decided = hil.http.post("/v1/approvals/by-token", json=body)
    again = hil.http.post("/v1/approvals/by-token", json=body)

    assert [one.status_code for one in (elsewhere, decided, again)] == [403, 200, 409]
    assert decided.json()["votes"][0]["via"] == "link"
    assert decided.json()["decided_by"] == "local user (link)"
    assert hil.await_end(question["ticket_id"])["outcome"] == "healed"
    for wrong in ("", "a1.k1.x.y", token[:-1], token + "0"):
        answer = hil.http.post("/v1/approvals/by-token", json={"token": wrong})
        assert answer.status_code == 403


def test_the_page_is_closed_to_everything_else(hil: Mend) -> None:
    """Its own script and style, its own API, no frame, no trace."""
    page = hil.http.get("/approve")
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert re.findall(r"(?:src|href)=", page.text) == []


def test_many_at_once(adf: AdfSimulator, hil: Mend) -> None:
    """Each has a result of its own."""
    first, second = waiting(hil, adf, "batch_1"), waiting(hil, adf, "batch_2")
    handing = {"to": "bo", "reason": "on holiday"}
    handed = hil.http.post(f"/v1/approvals/{first['id']}/delegate", json=handing)
    assert handed.json()["approvers"] == ["bo"]
    assert hil.events(first["ticket_id"])[-1]["message"] == "local user lets bo decide: on holiday"
    body = {
        "items": [
            {"id": first["id"], "decision": "reject", "reason": "no"},
            {"id": "APR-20261120-FFFFFF-1", "decision": "approve"},
            {"id": second["id"], "decision": "reject"},
        ]
    }
    results = hil.http.post("/v1/approvals/decisions", json=body).json()["items"]

    assert [one["status"] for one in results] == [200, 404, 400]
    assert results[0]["approval"]["status"] == "rejected"
    assert hil.await_end(first["ticket_id"])["outcome"] == "rejected"
    history = hil.http.get("/v1/approvals?status=rejected").json()["items"]
    assert first["id"] in [one["id"] for one in history]
    say(hil, second, "reject", reason="over")


def test_nobody_decides_in_time(
    adf: AdfSimulator, adf_process: AdfSimulator, tmp_path: Any
) -> None:
    """An expired question is a no."""
    settings = brisk(adf_process.url, MEND_MODE="hil", MEND_APPROVAL_TIMEOUT_MINUTES="0.02")
    with HostProcess(tmp_path / "data", settings) as host, Mend(host.url) as api:
        run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="nobody")
        begun = time.monotonic()
        ticket = api.await_end(api.report(run))
        assert (ticket["status"], ticket["outcome"]) == ("escalated", "approval_expired")
        assert time.monotonic() - begun > 1.0
        assert adf.effects("createRun") == []


def test_a_question_survives_the_end_of_its_host(
    adf: AdfSimulator, adf_process: AdfSimulator, tmp_path: Any
) -> None:
    """Killed while it waits; decided after the restart; done once."""
    host = HostProcess(tmp_path / "data", brisk(adf_process.url, MEND_MODE="hil"))
    with host, Mend(host.url) as api:
        question = waiting(api, adf, "asked_killed")
        host.kill()
    with host, Mend(host.url) as api:
        assert say(api, question, "approve").status_code == 200
        assert api.await_end(question["ticket_id"])["outcome"] == "healed"
        assert len(adf.effects("createRun")) == 1
