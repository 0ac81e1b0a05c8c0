"""Whoever asks for something is not the one who agrees to it; the trail alone tells who did."""

import os

import httpx
import pytest

from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, IdentitySimulator
from tests.e2e.test_identity import identity, oid, signed_in, token, url
from tests.support.mend import Mend

__all__ = ["identity", "signed_in", "url"]

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")), reason="needs settings of its own"
)


def as_(api: Mend, identity: IdentitySimulator, name: str, *roles: str) -> None:
    """Let the next calls come from ``name``."""
    api.http.headers["Authorization"] = f"Bearer {token(identity, name, *roles)}"


def test_one_person_does_not_ask_and_agree(
    adf: AdfSimulator, url: str, identity: IdentitySimulator
) -> None:
    """Whatever roles they have, and by whichever name: people are told apart by object id."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="asked_by_hand")
    with Mend(url) as api:
        as_(api, identity, "ana", "admin")
        opened = api.http.post(
            "/v1/tickets",
            json={"title": "load failed", "pipeline": run.pipeline, "run_id": run.run_id},
        ).json()
        ticket = api.await_ticket(opened["id"], lambda one: one["approval"] is not None)
        question = ticket["approval"]

        def say(decision: str, **more: str) -> httpx.Response:
            body = {"decision": decision, "plan_hash": question["plan_hash"], **more}
            return api.http.post(f"/v1/approvals/{question['id']}/decision", json=body)

        own = say("approve")
        renamed = token(
            identity, "ana", "approver", claims={"preferred_username": "bo@example.com"}
        )
        api.http.headers["Authorization"] = f"Bearer {renamed}"
        other_name = say("approve")
        as_(api, identity, "bo", "approver")
        others = say("approve", reason="looks right")
        ended = api.await_end(opened["id"])
        as_(api, identity, "ana", "admin")
        trail = api.http.get("/v1/audit", params={"subject": opened["id"], "limit": "500"}).json()

    assert ticket["requested_by"] == {"name": "ana@example.com", "oid": oid("ana")}
    assert (own.status_code, other_name.status_code, others.status_code) == (403, 403, 200)
    assert "somebody else has to agree" in own.json()["detail"]
    assert ended["outcome"] == "healed"
    (agreed,) = [one for one in trail["items"] if one["action"] == "approval.approved"]
    told = {name: agreed["data"][name] for name in ("oid", "decision", "reason", "via")}
    assert agreed["actor"] == "bo@example.com"
    assert told == {"oid": oid("bo"), "decision": "approve", "reason": "looks right", "via": "api"}
    assert agreed["data"]["plan_hash"] == question["plan_hash"]
    assert agreed["data"]["approval_id"] == question["id"]
