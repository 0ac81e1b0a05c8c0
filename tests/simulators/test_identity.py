"""The identity provider, as a client that is not ours sees it."""

from collections.abc import Iterator

import httpx
import jwt
import pytest

from simulators.client import IdentitySimulator, SimulatorError
from tests.support.simulators import identity, identity_process

__all__ = ["identity", "identity_process"]

TENANT = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture
def client(identity: IdentitySimulator) -> Iterator[httpx.Client]:
    """Calls to the service."""
    with httpx.Client(base_url=identity.url, trust_env=False) as found:
        yield found


def decode(identity: IdentitySimulator, token: str, issuer: str | None = None) -> dict[str, object]:
    """Check a token with PyJWT's own reader of key sets."""
    keys = jwt.PyJWKClient(identity.keys_url(TENANT), cache_jwk_set=False)
    key = keys.get_signing_key_from_jwt(token)
    claims: dict[str, object] = jwt.decode(
        token, key, algorithms=["RS256"], audience="api://mend", issuer=issuer
    )
    return claims


@pytest.mark.parametrize(
    ("version", "issuer"),
    [
        (1, f"https://sts.windows.net/{TENANT}/"),
        (2, f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    ],
)
def test_a_token_is_good(identity: IdentitySimulator, version: int, issuer: str) -> None:
    """With the claims that were given beside the usual ones."""
    token = identity.token(TENANT, {"aud": "api://mend", "roles": ["a"]}, version=version)

    claims = decode(identity, token, issuer=issuer)

    assert (claims["tid"], claims["roles"]) == (TENANT, ["a"])
    assert claims["ver"] == f"{version}.0"


def test_null_leaves_a_claim_out(identity: IdentitySimulator) -> None:
    """And a header."""
    token = identity.token(TENANT, {"iss": None}, header={"x5t": None, "typ": "at+jwt"})

    assert "iss" not in jwt.decode(token, options={"verify_signature": False})
    assert "x5t" not in jwt.get_unverified_header(token)
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_the_configuration_leads_to_the_keys(
    identity: IdentitySimulator, client: httpx.Client
) -> None:
    """As OpenID Connect Discovery has it."""
    found = client.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()

    assert found["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert found["jwks_uri"] == identity.keys_url(TENANT)
    assert [key["kty"] for key in client.get(found["jwks_uri"]).json()["keys"]] == ["RSA"]
    assert [entry.action for entry in identity.ledger()] == ["getConfiguration", "getKeys"]
    assert identity.ledger("getKeys")[0].target == TENANT


def test_keys_are_rotated(identity: IdentitySimulator) -> None:
    """With the old one still published, or without."""
    before = identity.token(TENANT, {"aud": "api://mend"})
    both = identity.rotate()

    assert len(both) == 2
    assert decode(identity, before)
    assert decode(identity, identity.token(TENANT, {"aud": "api://mend"}))
    assert len(identity.rotate(keep=False)) == 1
    with pytest.raises(jwt.PyJWKClientError):
        decode(identity, before)


def test_a_strangers_token_is_not_good(identity: IdentitySimulator) -> None:
    """Neither under its own name nor under a published one."""
    kid = jwt.get_unverified_header(identity.token(TENANT, {}))["kid"]
    claims = {"aud": "api://mend"}

    with pytest.raises(jwt.PyJWKClientError):
        decode(identity, identity.token(TENANT, claims, key="stranger"))
    with pytest.raises(jwt.InvalidSignatureError):
        decode(identity, identity.token(TENANT, claims, key="stranger", header={"kid": kid}))


def test_faults_strike_and_are_in_the_ledger(
    identity: IdentitySimulator, client: httpx.Client
) -> None:
    """As with every simulator."""
    path = f"/{TENANT}/discovery/v2.0/keys"
    identity.fault("getKeys", "refuse_503")
    identity.fault("getKeys", "reset_before")

    assert client.get(path).json()["error"] == "temporarily_unavailable"
    with pytest.raises(httpx.TransportError):
        client.get(path)
    assert client.get(path).is_success
    assert [entry.fault for entry in identity.ledger()] == ["refuse_503", "reset_before", None]


def test_wrong_calls_are_answered(identity: IdentitySimulator, client: httpx.Client) -> None:
    """Unknown paths with 404, wrong scripts by name."""
    assert client.get(f"/{TENANT}/oauth2/v2.0/token").status_code == 404  # it takes POST only
    assert client.post(f"/{TENANT}/discovery/v2.0/keys").status_code == 404
    with pytest.raises(SimulatorError, match="there is no previous one"):
        identity.token(TENANT, {}, key="previous")
    with pytest.raises(SimulatorError, match="version"):
        identity.token(TENANT, {}, version=3)


def test_a_reset_keeps_the_newest_key(identity: IdentitySimulator) -> None:
    """And no other."""
    newest = identity.rotate()[0]

    identity.reset()

    assert jwt.get_unverified_header(identity.token(TENANT, {}))["kid"] == newest
    with pytest.raises(SimulatorError):
        identity.token(TENANT, {}, key="previous")
