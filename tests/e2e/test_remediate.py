"""A person asks for an action on a ticket that the machine has handed over."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from demo.processes import HostProcess
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, PipelineRun
from tests.e2e.test_healing import HEALS
from tests.support.mend import Mend

EXPIRED = SCENARIOS["expired_secret"]


def handed_over(adf: AdfSimulator, mend: Mend) -> tuple[PipelineRun, dict[str, Any]]:
    """Return a run that failed on an expired secret, and its escalated ticket."""
    run = adf.seed_scenario(EXPIRED, pipeline=f"expired_{uuid4().hex[:8]}")
    adf.script(run.pipeline, [HEALS])
    ticket = mend.await_end(mend.report(run))
    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_remediable")
    return run, ticket


def ask(mend: Mend, ticket_id: str, body: object = None, **headers: str) -> httpx.Response:
    """Ask for an action."""
    return mend.http.post(f"/v1/tickets/{ticket_id}/remediate", json=body, headers=headers)


def test_what_a_person_asks_for_is_done_once_and_recorded(adf: AdfSimulator, mend: Mend) -> None:
    """Whoever has renewed the secret lets Mend rerun; the record says who asked and why."""
    _, ticket = handed_over(adf, mend)
    body = {"action": "rerun_pipeline", "reason": "the secret is renewed"}
    key = {"Idempotency-Key": f"k-{ticket['id']}"}
    answer = ask(mend, ticket["id"], body, **key)
    again = ask(mend, ticket["id"], body, **key)
    healed = mend.await_end(ticket["id"])
    late = ask(mend, ticket["id"], body, **key)

    assert (answer.status_code, again.status_code, late.status_code) == (202, 202, 202)
    assert answer.json()["status"] == "open"
    assert (answer.json()["outcome"], answer.json()["closed_at"]) == (None, None)
    assert again.headers["idempotency-replayed"] == "true"
    assert (healed["outcome"], healed["attempts"][0]["action"]) == ("healed", "rerun_pipeline")
    assert len(adf.effects("createRun")) == 1
    asked = [e for e in mend.events(ticket["id"]) if e["type"] == "remediation.requested"]
    assert [(e["actor"], e["data"]["reason"]) for e in asked] == [
        ("local user", "the secret is renewed")
    ]
    reasons = {one["rule"]: one for one in healed["decision"]["reasons"]}
    assert reasons["remediable"]["text"] == "local user asks for rerun_pipeline"
    seqs = [event["seq"] for event in mend.events(ticket["id"])]
    assert seqs == list(range(1, len(seqs) + 1))
    trail = mend.http.get("/v1/audit", params={"subject": ticket["id"], "limit": 500}).json()
    assert "remediation.requested" in {entry["action"] for entry in trail["items"]}


def test_policy_has_its_say(adf: AdfSimulator, mend: Mend) -> None:
    """The kill switch stops it, HIL asks, and what failed again is not tried by itself."""
    _, ticket = handed_over(adf, mend)
    mend.put("kill-switch", {"on": True, "reason": "not today"})
    ask(mend, ticket["id"], {"action": "rerun_pipeline"})
    stopped = mend.await_end(ticket["id"])
    assert (stopped["status"], stopped["attempts"]) == ("escalated", [])
    assert "not today" in str(stopped["decision"]["reasons"])

    mend.put("kill-switch", {"on": False})
    mend.put("execution-mode", {"mode": "hil"})
    ask(mend, ticket["id"], {"action": "rerun_pipeline"})
    waits = mend.await_ticket(ticket["id"], lambda one: one["status"] == "awaiting_approval")
    assert ask(mend, ticket["id"]).status_code == 409
    question = waits["approval"]["id"]
    mend.http.post(f"/v1/approvals/{question}/decision", json={"decision": "approve"})
    assert mend.await_end(ticket["id"])["outcome"] == "healed"


def test_one_try_is_all_that_was_asked_for(adf: AdfSimulator, mend: Mend) -> None:
    """The rerun fails on the same secret: no second one, and the ticket is a person's again."""
    run = adf.seed_scenario(EXPIRED, pipeline=f"expired_{uuid4().hex[:8]}")
    ticket = mend.await_end(mend.report(run))
    ask(mend, ticket["id"], {"action": "rerun_pipeline"})
    ended = mend.await_end(ticket["id"])
    assert (ended["status"], len(ended["attempts"])) == ("escalated", 1)
    assert len(adf.effects("createRun")) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "make_coffee"}, "action"),
        ({"action": "repair_run"}, "action"),  # of another platform
        ({"action": "escalate"}, "action"),
        ({}, "action"),  # its cause suggests none
        ({"action": "rerun_pipeline", "pipeline": "p"}, "pipeline"),
        ({"action": "rerun_pipeline", "reason": 5}, "reason"),
    ],
)
def test_what_cannot_be_done_is_said(
    adf: AdfSimulator, mend: Mend, body: dict[str, object], field: str
) -> None:
    """By the name of the field; the ticket stays as it was."""
    _, ticket = handed_over(adf, mend)
    refused = ask(mend, ticket["id"], body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == field
    assert mend.ticket(ticket["id"])["version"] == ticket["version"]


def test_only_what_a_person_has_got(adf: AdfSimulator, mend: Mend) -> None:
    """Not what is healed, what nobody knows, nor what another ticket stands for by now."""
    run, ticket = handed_over(adf, mend)
    etag = mend.http.get(f"/v1/tickets/{ticket['id']}").headers["etag"]
    assert ask(mend, "TIK-20261120-FFFFFF").status_code == 404

    mend.put("execution-mode", {"mode": "hil"})
    other = mend.report(adf.seed_failed_run(run.pipeline, error_code="2200", message="timeout"))
    assert other != ticket["id"]
    taken = ask(mend, ticket["id"], {"action": "rerun_pipeline"})
    assert (taken.status_code, other in taken.json()["detail"]) == (409, True)

    done = {"status": "resolved", "note": "by hand"}
    path = f"/v1/tickets/{ticket['id']}"
    assert mend.http.patch(path, json=done, headers={"If-Match": etag}).status_code == 200
    assert ask(mend, ticket["id"], {"action": "rerun_pipeline"}).status_code == 409


def test_alerts_are_counted_on_it_again(adf: AdfSimulator, mend: Mend) -> None:
    """Once the machine has it again, it is the one open ticket of its pipeline."""
    run, ticket = handed_over(adf, mend)
    mend.put("execution-mode", {"mode": "hil"})
    ask(mend, ticket["id"], {"action": "rerun_pipeline"})
    mend.await_ticket(ticket["id"], lambda one: one["status"] == "awaiting_approval")
    again = adf.seed_failed_run(run.pipeline, error_code="2200", message="timeout")
    assert mend.report(again) == ticket["id"]
    assert mend.http.post(f"/v1/tickets/{ticket['id']}/cancel").status_code == 202


def test_what_was_accepted_survives_a_crash(adf: AdfSimulator, own_host: HostProcess) -> None:
    """Killed right after the 202 and started again: it is done, once."""
    own_host.start()
    with Mend(own_host.url) as mend:
        _, ticket = handed_over(adf, mend)
        assert ask(mend, ticket["id"], {"action": "rerun_pipeline"}).status_code == 202
    own_host.kill()
    own_host.start()
    with Mend(own_host.url) as mend:
        assert mend.await_end(ticket["id"], 60)["outcome"] == "healed"
    assert len(adf.effects("createRun")) == 1
