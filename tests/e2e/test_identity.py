"""A host where people sign in: every route by every kind of caller, as the table says."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.processes import HostDidNotStart, HostProcess
from shared.domain.approval import Approval
from shared.domain.identity import Role, roles_of
from shared.security.approval_links import ApprovalLinks
from shared.signing import parse_keys
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, IdentitySimulator
from tests.support.mend import Mend, brisk, web_activity
from tests.support.simulators import wait_until
from triggers.access import ACCESS, Open
from triggers.description import OPERATIONS

TENANT = "00000000-0000-4000-8000-0000000000aa"
AUDIENCE = "api://mend"
CLIENT_ID = "00000000-0000-4000-8000-0000000000d1"
ISSUER = "https://sts.example.com/mend"
KEYS = "k1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
SENDER = "a-token-of-the-tests"
UNKNOWN = ("nobody", "garbage", "wrong_audience", "wrong_issuer", "expired", "forged", "basic")
CALLERS = (*UNKNOWN, "roleless", *(role.value for role in Role))
# Nothing of this exists: what is let in gets 400 or 404.
PARTS = {
    "source": "zabbix",
    "ticket_id": "TIK-20261120-FFFFFF",
    "approval_id": "APR-20261120-FFFFFF-1",
    "delivery_id": "DLV-20261120T020711412345-3f9a2c4e",
    "name": "nothing",
}

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("BASE_URL")), reason="needs settings of its own"
)


@pytest.fixture(scope="module")
def identity() -> Iterator[IdentitySimulator]:
    """Yield the issuer of tokens."""
    with IdentitySimulator.start() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def signed_in(adf_process: AdfSimulator, identity: IdentitySimulator) -> dict[str, str]:
    """Return the settings of a host where people sign in."""
    return brisk(
        adf_process.url,
        MEND_AUTH="jwt",
        MEND_AUTH_TENANT=TENANT,
        MEND_AUTH_AUDIENCE=f"{AUDIENCE},{CLIENT_ID}",
        MEND_AUTH_ISSUER=ISSUER,
        MEND_AUTH_JWKS_URL=identity.keys_url(TENANT),
        MEND_SIGNING_KEYS=KEYS,
        MEND_MODE="hil",
        MEND_WEBHOOK_SECRETS=json.dumps({"adf": {"type": "bearer", "token": SENDER}}),
    )


@pytest.fixture(scope="module")
def url(signed_in: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of that host."""
    with HostProcess(tmp_path_factory.mktemp("identity") / "data", signed_in) as host:
        yield host.url


def oid(name: str) -> str:
    """Return the object id of a person."""
    return f"oid-of-{name}"


def token(identity: IdentitySimulator, name: str, *roles: str, **fields: Any) -> str:
    """Return a good token of ``name``, but for ``fields``."""
    claims = {
        "aud": AUDIENCE,
        "iss": ISSUER,
        "oid": oid(name),
        "preferred_username": f"{name}@example.com",
        "roles": [f"Mend.{role.title()}" for role in roles],
        **fields.pop("claims", {}),
    }
    return identity.token(TENANT, claims, **fields)


@pytest.fixture(scope="module")
def shown(identity: IdentitySimulator) -> dict[str, dict[str, str]]:
    """Return what each caller shows."""
    bad = {
        "garbage": "not.a.token",
        "wrong_audience": token(identity, "x", "admin", claims={"aud": "api://other"}),
        "wrong_issuer": token(identity, "x", "admin", claims={"iss": "https://sts.example.com"}),
        "expired": token(identity, "x", "admin", lifetime_seconds=-400),
        "forged": token(identity, "x", "admin", key="stranger"),
    }
    good = {role.value: token(identity, role.value, role.value) for role in Role}
    tokens = {**bad, "roleless": token(identity, "roleless"), **good}
    basic = {"Authorization": "Basic YWRtaW46YWRtaW4=", "x-ms-client-principal": "e30="}
    bearers = {name: {"Authorization": f"Bearer {text}"} for name, text in tokens.items()}
    return {"nobody": {}, "basic": basic, **bearers}


def call(url: str, route: tuple[str, str], headers: dict[str, str]) -> httpx.Response:
    """Call a route with nothing that makes sense in it."""
    method, path = route
    path = re.sub(r"\{(\w+)\}", lambda found: PARTS[found[1]], path)
    body = {"on": True, "reason": "matrix"} if path.endswith("kill-switch") else {}
    json_ = body if method not in {"GET", "HEAD"} else None
    return httpx.request(
        method, f"{url}/api/{path}", json=json_, headers=headers, timeout=30, trust_env=False
    )


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_every_route_by_every_caller(
    url: str, shown: dict[str, dict[str, str]], route: tuple[str, str]
) -> None:
    """401, 403, or whatever the handler says, exactly as the table has it."""
    need = ACCESS[route]  # a route without a rule fails here
    got = {name: call(url, route, shown[name]) for name in CALLERS}
    statuses = {name: answer.status_code for name, answer in got.items()}

    assert set(shown) == set(CALLERS)
    assert max(statuses.values()) < 500 or route == ("GET", "ready"), statuses
    if need is Open.PUBLIC:
        assert not {401, 403} & set(statuses.values()), statuses
    elif need is Open.SENDER:
        assert set(statuses.values()) == {401}, statuses
    elif need is Open.TOKEN:
        tokens = [one for one in UNKNOWN if one not in {"nobody", "basic"}]
        assert {statuses[one] for one in tokens} == {401}, statuses
        others = {statuses[one] for one in CALLERS if one not in tokens}
        assert len(others) == 1, statuses
    elif need is Open.SIGNED_IN:
        for name in CALLERS:
            assert statuses[name] == (401 if name in UNKNOWN else 200), (name, statuses)
    else:
        assert isinstance(need, Role)
        for name in CALLERS:
            may = need in roles_of([name])
            wanted = {401} if name in UNKNOWN else {403}
            assert (statuses[name] in {401, 403}) is not may, (name, statuses)
            assert may or statuses[name] in wanted, (name, statuses)
        assert f"role {need}" in got["roleless"].json()["detail"]
        texts = {got[one].json()["detail"] for one in UNKNOWN}
        assert len(texts) == 1
        assert {got[one].headers["www-authenticate"] for one in UNKNOWN} == {"Bearer"}


def test_everybody_learns_what_they_may_do(url: str, shown: dict[str, dict[str, str]]) -> None:
    """With what a role includes; who has none is told so, and by name."""
    told = {name: call(url, ("GET", "v1/me"), shown[name]).json() for name in ("roleless", *Role)}

    assert told["roleless"] == {"name": "roleless@example.com", "roles": [], "auth": "jwt"}
    for role in Role:
        assert told[role]["roles"] == sorted(roles_of([role.value]))


@pytest.mark.parametrize("spelling", ["v1/Tickets", "V1/tickets", "v1//tickets", "v1/tickets/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_another_spelling_is_no_way_in(url: str, method: str, spelling: str) -> None:
    """The rule goes with the function, not with the address."""
    assert call(url, (method, spelling), {}).status_code in {401, 404, 405}


def test_who_stops_everything_may_not_let_it_go_on(
    url: str, shown: dict[str, dict[str, str]]
) -> None:
    """That takes an administrator."""
    at = f"{url}/api/v1/settings/kill-switch"

    def turn(name: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.put(at, json=body, headers=shown[name], trust_env=False)

    stopped = turn("operator", {"on": True, "reason": "drill"})
    still = turn("operator", {"on": False, "reason": "over"})
    over = turn("admin", {"on": False, "reason": "over"})

    assert [one.status_code for one in (stopped, still, over)] == [200, 403, 200]
    assert "role admin" in still.json()["detail"]
    trail = httpx.get(
        f"{url}/api/v1/audit?subject=settings/kill-switch&limit=500",
        headers=shown["viewer"],
        trust_env=False,
    )
    actors = [one["actor"] for one in trail.json()["items"]][-2:]
    assert actors == ["operator@example.com", "admin@example.com"]


def test_a_page_elsewhere_needs_a_token(url: str, shown: dict[str, dict[str, str]]) -> None:
    """Which no browser sends on its own."""
    route, elsewhere = ("POST", "v1/approvals/decisions"), {"Sec-Fetch-Site": "cross-site"}

    assert call(url, route, elsewhere).status_code == 403
    assert call(url, route, {**shown["basic"], **elsewhere}).status_code == 403
    assert call(url, route, {**shown["garbage"], **elsewhere}).status_code == 401
    assert call(url, route, {**shown["approver"], **elsewhere}).status_code == 400


def test_a_rotation_locks_nobody_out(url: str, identity: IdentitySimulator) -> None:
    """Tokens of the key before are good while it is known; the client id is an audience, too."""
    before = token(identity, "ana", "viewer", claims={"aud": CLIENT_ID})
    identity.rotate()

    assert call(url, ("GET", "v1/tickets"), {"Authorization": f"Bearer {before}"}).is_success


def test_keys_are_read_again_without_a_restart(
    identity: IdentitySimulator, signed_in: dict[str, str], tmp_path: Path
) -> None:
    """While the issuer is away nobody is let in; a key rotated meanwhile is picked up."""
    route = ("GET", "v1/tickets")
    early = {"Authorization": f"Bearer {token(identity, 'ana', 'viewer')}"}
    identity.fault("getKeys", "refuse_503")
    with HostProcess(tmp_path / "data", signed_in) as host:
        away = call(host.url, route, early)
        identity.rotate()
        late = {"Authorization": f"Bearer {token(identity, 'ana', 'viewer')}"}

        assert (away.status_code, "retry-after" in away.headers) == (503, True)
        assert call(host.url, route, {}).status_code == 401
        wait_until(lambda: call(host.url, route, late).is_success, seconds=20)
        assert call(host.url, route, early).is_success


@pytest.fixture
def asked(url: str, adf: AdfSimulator, shown: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return a question about a pipeline that failed."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=f"signed_in_{len(adf.ledger())}")
    sent = httpx.post(
        f"{url}/api/v1/tickets/webhook/adf",
        json=web_activity(run),
        headers={"Authorization": f"Bearer {SENDER}"},
        trust_env=False,
    )
    assert sent.status_code == 202, sent.text
    with Mend(url) as api:
        api.http.headers.update(shown["viewer"])
        ticket = api.await_ticket(
            sent.json()["tickets"][0]["ticket_id"], lambda one: one["status"] == "awaiting_approval"
        )
        return dict(api.http.get(f"/v1/approvals/{ticket['approval']['id']}").json())


def test_an_approver_decides_by_name(
    url: str, asked: dict[str, Any], shown: dict[str, dict[str, str]]
) -> None:
    """Recorded with name and id, in the question, the timeline and the reasons."""
    with Mend(url) as api:
        path = f"/v1/approvals/{asked['id']}/decision"
        body = {"decision": "approve", "plan_hash": asked["plan_hash"], "reason": "go on"}
        refused = api.http.post(path, json=body, headers=shown["operator"])
        api.http.headers.update(shown["approver"])
        decided = api.http.post(path, json=body)
        ended = api.await_end(asked["ticket_id"])
        actors = [one["actor"] for one in api.events(asked["ticket_id"])]

    assert (refused.status_code, decided.status_code) == (403, 200)
    vote = decided.json()["votes"][0]
    assert (vote["by"], vote["oid"]) == ("approver@example.com", oid("approver"))
    assert decided.json()["decided_by"] == "approver@example.com"
    assert ended["outcome"] == "healed"
    assert "approver@example.com" in actors
    assert "local user" not in actors


def test_a_link_alone_decides_what_is_of_low_risk_only(
    url: str, asked: dict[str, Any], shown: dict[str, dict[str, str]]
) -> None:
    """With a sign-in that may decide, anything."""
    fields = {name: asked[name] for name in Approval.model_fields if name in asked}
    links = ApprovalLinks(parse_keys(KEYS), f"{url}/api")
    body = {
        "token": links.token(Approval.model_validate(fields)),
        "decision": "approve",
        "challenge": asked["ticket_id"][-4:],
    }
    at = f"{url}/api/v1/approvals/by-token"

    def say(headers: dict[str, str]) -> httpx.Response:
        return httpx.post(at, json=body, headers=headers, trust_env=False)

    operator = say(shown["operator"])
    assert (operator.status_code, "role approver" in operator.text) == (403, True)
    if asked["risk"] == "low":
        decided = say({})
        assert decided.json()["decided_by"] == "link holder"
    else:
        assert "sign in" in say({}).json()["detail"]
        decided = say(shown["approver"])
        assert decided.json()["decided_by"] == "approver@example.com (link)"
    assert decided.json()["votes"][0]["via"] == "link"


@pytest.mark.parametrize("missing", ["MEND_AUTH_TENANT", "MEND_AUTH_AUDIENCE"])
def test_half_a_sign_in_stops_the_start(
    signed_in: dict[str, str], tmp_path: Path, missing: str
) -> None:
    """With one line that names it."""
    host = HostProcess(tmp_path / "data", {**signed_in, missing: ""})
    try:
        with pytest.raises(HostDidNotStart) as caught:
            host.start()
    finally:
        host.stop()
    lines = [line for line in str(caught.value).splitlines() if missing in line]
    assert len(lines) == 1, str(caught.value)
    assert "Traceback" not in str(caught.value)
