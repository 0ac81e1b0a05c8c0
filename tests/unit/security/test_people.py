"""People's tokens: for one of our audiences, with the issuer's present keys."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import Unauthenticated
from shared.domain.identity import Identity, Role
from shared.security.credentials import Entra
from shared.security.people import bearer_token, identify
from tests.unit.security.conftest import TENANT, URL, Provider

OID = "00000000-0000-4000-8000-0000000000c1"
AUDIENCES = ("api://mend", "00000000-0000-4000-8000-0000000000d1")
ACCEPTED = tuple(Entra(tenant=TENANT, audience=one, jwks_url=URL) for one in AUDIENCES)


async def shown(provider: Provider, *, later: float = 0, **fields: object) -> Identity:
    """Return whose token it is that the provider signs now."""
    claims = {"oid": OID, "name": "ana", "roles": ["Mend.Approver"]}
    given = fields.pop("claims", {})
    assert isinstance(given, Mapping)
    token = await provider.token({**claims, **given}, **fields)
    now = provider.now + timedelta(seconds=later)
    return await identify(token, ACCEPTED, now, key_sets=provider.key_sets)


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_each_audience_is_good(provider: Provider, audience: str) -> None:
    """App ID URI and client id; the keys are read once."""
    found = await shown(provider, claims={"aud": audience})

    assert (found.name, found.oid, Role.APPROVER in found.roles) == ("ana", OID, True)
    assert await provider.readings() == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"claims": {"aud": "api://other"}}, id="for somebody else"),
        pytest.param({"claims": {"aud": list(AUDIENCES)}}, id="for a list"),
        pytest.param({"claims": {"iss": "https://sts.example.com"}}, id="of another issuer"),
        pytest.param({"claims": {"tid": OID}}, id="of another tenant"),
        pytest.param({"claims": {"oid": None}}, id="of nobody"),
        pytest.param({"lifetime_seconds": -301}, id="over"),
        pytest.param({"key": "stranger"}, id="signed by somebody else"),
    ],
)
async def test_others_are_not(provider: Provider, fields: dict[str, Any]) -> None:
    """All with the same text."""
    with pytest.raises(Unauthenticated, match=r"^this request shows no credential"):
        await shown(provider, **fields)


async def test_nobody_is_believed_where_nobody_is_named(provider: Provider) -> None:
    """No audience, no sign-in."""
    token = await provider.token({"oid": OID})
    with pytest.raises(Unauthenticated):
        await identify(token, (), provider.now, key_sets=provider.key_sets)


async def test_a_rotated_key_is_picked_up(provider: Provider) -> None:
    """The new one when it is first met, the old one for as long as it is published."""
    await shown(provider)
    await provider.rotate()

    assert (await shown(provider, later=301)).name == "ana"
    assert (await shown(provider, later=301, key="previous")).name == "ana"
    assert await provider.readings() == 2


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({"Authorization": "Bearer a.b.c"}, "a.b.c"),
        ({"authorization": "bEARER  a.b.c "}, "a.b.c"),
        ({"Authorization": "Basic YTpi"}, None),
        ({"Authorization": "Bearer"}, ""),
        ({"Authorization": "Bearer a", "authorization": "Bearer b"}, ""),
        ({"x-ms-client-principal": "e30="}, None),
    ],
)
def test_where_a_token_stands(headers: dict[str, str], token: str | None) -> None:
    """In one header; two of them are none."""
    assert bearer_token(headers) == token
