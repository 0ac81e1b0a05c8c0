"""Tokens of Entra ID: one wrong claim is a refusal, an unreachable issuer is not one."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.domain.errors import Unauthenticated, Unavailable
from shared.security import entra as module
from shared.security.entra import KeySet, TokenValidator, key_set
from shared.security.webhooks import Verified, verify
from tests.unit.security.conftest import APP_ID, AUDIENCE, ROLE, TENANT, URL, Provider, entra
from tests.unit.security.requests import BODY, credentials

OTHER = "00000000-0000-4000-8000-0000000000bb"


async def show(provider: Provider, token: str, *, later: float = 0, **fields: str) -> Verified:
    """Send a webhook with ``token``."""
    headers = {"Authorization": f"Bearer {token}"}
    now = provider.now + timedelta(seconds=later)
    return await verify(entra(**fields), BODY, headers, now, key_sets=provider.key_sets)


def encoded(value: object) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("version", [1, 2])
async def test_azure_monitor_is_let_in(provider: Provider, version: int) -> None:
    """With tokens of both versions; the keys are read once."""
    for _ in range(3):
        verified = await show(provider, await provider.token(version=version))

    assert verified == Verified("entra-1", None, weak=False)
    assert await provider.readings() == 1


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "api://other"}, id="for somebody else"),
        pytest.param({"aud": [AUDIENCE]}, id="a list of audiences"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"azp": OTHER}, id="another application"),
        pytest.param({"azp": None}, id="no application"),
        pytest.param({"azp": [APP_ID]}, id="a list of applications"),
        pytest.param({"appid": OTHER}, id="two applications"),
        pytest.param({"roles": None}, id="no roles"),
        pytest.param({"roles": []}, id="none of the roles"),
        pytest.param({"roles": ["Other"]}, id="another role"),
        pytest.param({"roles": f"{ROLE}"}, id="roles as text"),
        pytest.param({"roles": {ROLE: 1}}, id="roles as an object"),
        pytest.param({"tid": OTHER}, id="another tenant"),
        pytest.param({"tid": None}, id="no tenant"),
        pytest.param({"tid": 1}, id="a tenant that is a number"),
        pytest.param({"iss": f"https://sts.windows.net/{OTHER}/"}, id="another tenant's issuer"),
        pytest.param({"iss": f"https://sts.windows.net/{TENANT}"}, id="almost the issuer"),
        pytest.param({"iss": "https://login.microsoftonline.com/common/v2.0"}, id="any issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"iss": [f"https://sts.windows.net/{TENANT}/"]}, id="a list of issuers"),
        pytest.param({"exp": None}, id="no end"),
        pytest.param({"nbf": None}, id="no beginning"),
        pytest.param({"exp": "9999999999"}, id="an end as text"),
        pytest.param({"nbf": True}, id="a beginning that is true"),
        pytest.param({"exp": 1e400}, id="an end that never comes"),
    ],
)
async def test_one_wrong_claim_is_a_refusal(provider: Provider, claims: dict[str, object]) -> None:
    """Everything else being right."""
    text = await provider.token(claims) if claims.get("exp") != float("inf") else None
    if text is None:  # no JSON for the control, but Python writes and reads it
        text = await _signed_with_infinity(provider)

    with pytest.raises(Unauthenticated):
        await show(provider, text)


async def _signed_with_infinity(provider: Provider) -> str:
    from simulators.identity.model import Authority
    from simulators.identity.scripts import TokenScript
    from simulators.kit.clock import SystemClock

    authority = Authority(SystemClock())
    usual: dict[str, Any] = {"aud": AUDIENCE, "azp": APP_ID, "roles": [ROLE], "exp": float("inf")}
    token = authority.mint(TokenScript.model_construct(tenant=TENANT, claims=usual))
    provider.keys._keys = module._read_keys({"keys": [authority.published()[0].as_jwk()]})
    provider.keys._read_at = provider.now
    return token.text


@pytest.mark.parametrize(
    ("claim", "offset", "later", "good"),
    [
        ("exp", -299, 0, True),
        ("exp", -300, 0, False),
        ("nbf", 300, 0, True),
        ("nbf", 301, 0, False),
        ("exp", 3600, 3600 + 299, True),
        ("exp", 3600, 3600 + 300, False),
    ],
)
async def test_clocks_may_differ_by_five_minutes(
    provider: Provider, claim: str, offset: int, later: float, good: bool
) -> None:
    """By our clock, not the machine's."""
    text = await provider.token({claim: int(provider.now.timestamp()) + offset})

    if good:
        assert await show(provider, text, later=later)
    else:
        with pytest.raises(Unauthenticated):
            await show(provider, text, later=later)


async def test_another_algorithm_is_refused_before_anybody_is_asked(provider: Provider) -> None:
    """None at all, an HMAC with the public key, another RSA one; the issuer is not bothered."""
    good = await provider.token()
    _, claims, signature = good.split(".")
    kid = jwt.get_unverified_header(good)["kid"]
    public = await provider.public_key()
    pem = _pem(public)
    asked = await provider.readings()
    forged = []
    for secret in (pem, pem.strip(), json.dumps(public).encode()):
        signed = f"{encoded({'alg': 'HS256', 'kid': kid})}.{claims}"
        digest = hmac.new(secret, signed.encode(), sha256).digest()
        forged.append(f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}")
    for name in ("none", "None", "RS512", "PS256", "rs256", None):
        forged.append(f"{encoded({'alg': name, 'kid': kid})}.{claims}.{signature}")
        forged.append(f"{encoded({'alg': name, 'kid': kid})}.{claims}.")

    for one in forged:
        with pytest.raises(Unauthenticated):
            await show(provider, one)
    assert await provider.readings() == asked


def _pem(jwk: dict[str, str]) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = jwt.PyJWK(jwk, algorithm="RS256").key
    pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "é.é.é",
        "€",
        "a" * 20_000,
        "e30.e30.e30",
        "bnVsbA.e30.e30",
    ],
)
async def test_what_is_no_token_is_refused(provider: Provider, text: str) -> None:
    """Without asking the issuer."""
    with pytest.raises(Unauthenticated):
        await show(provider, text)
    assert await provider.readings() == 0


async def test_a_token_is_spelt_in_one_way_only(provider: Provider) -> None:
    """The last character of a part has bits that mean nothing, and padding may be added."""
    good = await provider.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelt = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]

    assert jwt.utils.base64url_decode(respelt.split(".")[2].encode()) == jwt.utils.base64url_decode(
        good.split(".")[2].encode()
    )
    for one in (respelt, good + "==", good + "\n", f" {good}"):
        with pytest.raises(Unauthenticated):
            await show(provider, one)
    assert await show(provider, good)


async def test_a_token_has_a_length(provider: Provider) -> None:
    """16 KiB, whoever signed it."""
    assert await show(provider, await provider.token({"pad": "x" * 8_000}))
    with pytest.raises(Unauthenticated):
        await show(provider, await provider.token({"pad": "x" * 16_000}))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"key": "stranger"}, id="a kid nobody knows"),
        pytest.param({"header": {"kid": None}}, id="no kid"),
        pytest.param({"header": {"crit": ["exp"]}}, id="an extension that we do not know"),
    ],
)
async def test_another_key_is_refused(provider: Provider, fields: dict[str, Any]) -> None:
    """A key counts by being published."""
    text = await provider.token(**fields)

    with pytest.raises(Unauthenticated):
        await show(provider, text)


async def test_a_known_kid_is_not_enough(provider: Provider) -> None:
    """Signed by a stranger in the name of the published key."""
    kid = jwt.get_unverified_header(await provider.token())["kid"]

    with pytest.raises(Unauthenticated):
        await show(provider, await provider.token(key="stranger", header={"kid": kid}))


async def test_a_new_key_is_read_when_it_is_first_met(provider: Provider) -> None:
    """At once if the last reading is five minutes old; the old one is still good."""
    await show(provider, await provider.token())
    await provider.rotate()

    new, old = await provider.token(), await provider.token(key="previous")
    assert await show(provider, new, later=301)
    assert await show(provider, old, later=301)
    assert await provider.readings() == 2


async def test_a_key_that_is_withdrawn_is_believed_for_a_day_at_most(provider: Provider) -> None:
    """Then the keys are read again."""
    await show(provider, await provider.token())
    await provider.rotate(keep=False)
    text = await provider.token(key="previous", lifetime_seconds=100_000)

    assert await show(provider, text, later=24 * 3600 - 1)
    with pytest.raises(Unauthenticated):
        await show(provider, text, later=24 * 3600)


async def test_unknown_keys_do_not_flood_the_issuer(provider: Provider) -> None:
    """One reading in five minutes, however many strangers call at once."""
    await show(provider, await provider.token())
    texts = [await provider.token(header={"kid": f"k{n}"}) for n in range(20)]

    for later in (10, 301, 310, 599, 602):
        found = await asyncio.gather(
            *(show(provider, text, later=later) for text in texts), return_exceptions=True
        )
        assert {type(one) for one in found} == {Unauthenticated}
    assert await provider.readings() == 3


async def test_the_first_calls_share_one_reading(provider: Provider) -> None:
    """Whoever comes while it is under way waits for it."""
    text = await provider.token()
    await provider.fault("slow_before", seconds=0.02, times=20)

    assert len(await asyncio.gather(*(show(provider, text) for _ in range(20)))) == 20
    assert await provider.readings() == 1


@pytest.mark.parametrize(
    "fault",
    [
        "refuse_503", "throttle_429", "error_500_before", "html_502_before", "not_found_404",
        "reset_before", "reset_after", "html_200", "wrong_schema",
    ],
)  # fmt: skip
async def test_an_unreachable_issuer_is_no_refusal(provider: Provider, fault: str) -> None:
    """503: the sender may try again; it is asked again after five seconds."""
    text = await provider.token()
    await provider.fault(fault)

    for later in (0, 4):
        with pytest.raises(Unavailable) as caught:
            await show(provider, text, later=later)
    assert caught.value.http_status == 503
    assert await provider.readings() == 1
    assert await show(provider, text, later=5)


async def test_known_keys_serve_while_the_issuer_is_away(provider: Provider) -> None:
    """Only a key that we do not have needs it."""
    good, unknown = await provider.token(), await provider.token(key="stranger")
    await show(provider, good)
    await provider.fault("refuse_503", times=9)

    with pytest.raises(Unavailable):
        await show(provider, unknown, later=301)
    assert await show(provider, good, later=302)


async def test_a_slow_issuer_is_not_waited_for(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a limit for all of the answer."""
    monkeypatch.setattr(module, "_READ_SECONDS", 0.02)
    await provider.fault("slow_before", seconds=30)

    with pytest.raises(Unavailable):
        await show(provider, await provider.token())


async def test_another_credential_serves_while_the_issuer_is_away(provider: Provider) -> None:
    """And a wrong one next to it is no reason to say 401."""
    text = await provider.token()
    both = (*credentials('"a-long-secret"'), *entra())
    await provider.fault("refuse_503", times=9)

    shown = {"X-Mend-Secret": "a-long-secret", "Authorization": f"Bearer {text}"}
    verified = await verify(both, BODY, shown, provider.now, key_sets=provider.key_sets)

    assert verified.kid == "string-1"
    with pytest.raises(Unavailable):
        await verify(
            both, BODY, shown | {"X-Mend-Secret": "x"}, provider.now, key_sets=provider.key_sets
        )


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, {}, {"kid": "a"}, {"kid": 1, "kty": "RSA"}]}',
        b'{"keys": [{"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}',
        b'{"keys": [{"kid": "a", "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}]}',
        b"[" * 100_000,
    ],
)
async def test_a_document_without_keys_for_us_is_a_failure(
    provider: Provider, document: bytes
) -> None:
    """No keys, or of another kind."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=document))
    keys = KeySet(URL, transport=transport)

    with pytest.raises(Unavailable):
        await keys.key("a", provider.now)


async def test_other_keys_are_passed_over(provider: Provider) -> None:
    """One that we cannot use does not spoil the others, and is not used."""
    good = await provider.public_key()
    others = [
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "ps", "alg": "PS256"},
        {"kid": "ec", "kty": "EC", "crv": "P-256"},
        {**good, "kid": "broken", "n": "%"},
    ]
    second = {**good, "n": _jwk(2048)["n"]}
    others.append({**_jwk(1024), "kid": "short"})
    document = {"keys": [*others, good, second]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=document))
    keys = KeySet(URL, transport=transport)

    for other in others:
        assert await keys.key(other["kid"], provider.now) is None
    found = await keys.key(good["kid"], provider.now)
    assert found is not None
    assert RSAAlgorithm.to_jwk(found, as_dict=True)["n"] == good["n"]


def _jwk(bits: int) -> dict[str, str]:
    """The public half of a fresh key."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=bits).public_key()
    numbers: dict[str, str] = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {"kty": "RSA", "n": numbers["n"], "e": numbers["e"]}


async def test_a_document_has_an_end(provider: Provider) -> None:
    """Whoever serves the keys cannot fill our memory."""
    good = await provider.public_key()
    sent = []

    async def endless() -> AsyncIterator[bytes]:
        yield json.dumps({"keys": [good]}).encode()
        for number in range(100):
            sent.append(number)
            yield b" " * 100_000

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(Unavailable):
        await KeySet(URL, transport=transport).key(good["kid"], provider.now)
    assert len(sent) < 10


async def test_redirects_are_not_followed(provider: Provider) -> None:
    """The address in the settings is the one that is trusted."""
    asked = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://127.0.0.1/elsewhere"})

    with pytest.raises(Unavailable):
        await KeySet(URL, transport=httpx.MockTransport(redirect)).key("a", provider.now)
    assert asked == [URL]


def test_a_key_set_survives_its_loop(provider: Provider) -> None:
    """A lock that was waited for in one loop does not refuse everybody in the next."""

    async def crowd() -> None:
        found = await asyncio.gather(
            *(keys.key("a", provider.now) for _ in range(3)), return_exceptions=True
        )
        assert {type(one) for one in found} == {Unavailable}

    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return httpx.Response(503)

    keys = KeySet(URL, transport=httpx.MockTransport(slow))
    asyncio.run(crowd())
    keys._failed_at = None
    asyncio.run(crowd())


async def test_tokens_of_people_are_checked_by_the_same_class(provider: Provider) -> None:
    """What they may do is read from the claims."""
    validator = TokenValidator(
        keys=provider.keys,
        issuers=(f"https://login.microsoftonline.com/{TENANT}/v2.0",),
        audience=AUDIENCE,
        tenant=TENANT,
    )
    text = await provider.token({"scp": "access", "oid": OTHER, "roles": ["approver"]})

    claims = await validator.claims(text, provider.now)

    assert (claims["oid"], claims["roles"]) == (OTHER, ["approver"])
    with pytest.raises(Unauthenticated):
        await validator.claims(await provider.token(version=1), provider.now)


async def test_issuer_role_and_application_may_be_others(provider: Provider) -> None:
    """For sovereign clouds, and for senders of one's own."""
    issuer = f"https://login.microsoftonline.us/{TENANT}/v2.0"
    text = await provider.token({"iss": issuer, "azp": OTHER, "roles": ["Send"]})

    assert await show(provider, text, issuer=issuer, app_id=OTHER, role="Send")
    with pytest.raises(Unauthenticated):
        await show(provider, text, app_id=OTHER, role="Send")


def test_a_process_has_one_key_set_per_address() -> None:
    """Or nothing would be kept."""
    assert key_set("https://a.example/keys") is key_set("https://a.example/keys")
    assert key_set("https://a.example/keys") is not key_set("https://b.example/keys")
