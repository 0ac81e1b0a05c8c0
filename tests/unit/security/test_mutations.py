"""Whatever is changed in a good request, nothing but the refusal comes of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.domain.errors import Unauthenticated
from shared.security.credentials import Credential
from shared.security.entra import KeySet, _read_keys
from shared.security.webhooks import verify
from simulators.identity.model import Authority
from simulators.identity.scripts import TokenScript
from simulators.kit.clock import SystemClock
from tests.unit.security.conftest import APP_ID, AUDIENCE, ROLE, TENANT, URL, entra
from tests.unit.security.requests import (
    BODY,
    NOW,
    Headers,
    basic,
    credentials,
    github,
    hmac_credentials,
    standard,
    timestamped,
)

SECRET = "hunter2-hunter2"
MANY = settings(
    max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True, slots=True)
class Good:
    """A request that is accepted, and whether its body is signed."""

    known: tuple[Credential, ...]
    headers: Headers
    signed: bool


AUTHORITY = Authority(SystemClock())
KEYS = KeySet(URL)
KEYS._keys = _read_keys({"keys": [AUTHORITY.published()[0].as_jwk()]})
KEYS._read_at = NOW


def _token() -> str:
    seconds = int(NOW.timestamp())
    claims = {
        "aud": AUDIENCE, "azp": APP_ID, "roles": [ROLE],
        "iat": seconds, "nbf": seconds, "exp": seconds + 3600,
    }  # fmt: skip
    return AUTHORITY.mint(TokenScript(tenant=TENANT, claims=claims)).text


GOOD = {
    "basic": Good(credentials(f'"mend:{SECRET}"'), basic("mend", SECRET), signed=False),
    "bearer": Good(
        credentials(f'{{"token": "{SECRET}"}}'), {"Authorization": f"Bearer {SECRET}"}, signed=False
    ),
    "header": Good(credentials(f'"{SECRET}"'), {"X-Mend-Secret": SECRET}, signed=False),
    "standard": Good(hmac_credentials("standard"), standard(), signed=True),
    "github": Good(hmac_credentials("github"), github(), signed=True),
    "timestamp": Good(hmac_credentials("timestamp"), timestamped(), signed=True),
    "entra": Good(entra(), {"Authorization": f"Bearer {_token()}"}, signed=False),
}
EVERYBODY = tuple(one for good in GOOD.values() for one in good.known)
# Outside the signature by the sender's own design: another id is another delivery.
UNSIGNED = {"X-GitHub-Delivery"}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples."""
    with asyncio.Runner() as running:
        yield running


def accepted(
    runner: asyncio.Runner, known: tuple[Credential, ...], body: bytes, headers: Headers
) -> bool:
    """Tell whether the request is let in; any exception but the refusal fails the test."""
    try:
        runner.run(verify(known, body, headers, NOW, key_sets=lambda _: KEYS))
    except Unauthenticated:
        return False
    return True


def meant(value: str) -> str:
    """What a value says: the case of a scheme's name says nothing (RFC 9110, section 11.1)."""
    scheme, blank, rest = value.partition(" ")
    return scheme.lower() + blank + rest if blank else value


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """``text`` with a piece cut out, put in, changed or moved."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 8)))
    piece = draw(
        st.one_of(
            st.text(max_size=8),
            st.text(alphabet="0123456789abcdefABCDEF,.=+/_- v:", max_size=8),
            st.just(text[end : end + 8]),
            st.just(text),
        )
    )
    return text[:start] + piece + text[end:]


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_mutated_was_good(runner: asyncio.Runner, kind: str) -> None:
    """Or the tests below would prove nothing."""
    good = GOOD[kind]

    assert accepted(runner, good.known, BODY, good.headers)
    assert accepted(runner, EVERYBODY, BODY, good.headers)


@given(data=st.data())
@MANY
def test_no_mutated_header_is_accepted(runner: asyncio.Runner, data: st.DataObject) -> None:
    """Of any kind of sender."""
    good = GOOD[data.draw(st.sampled_from(sorted(GOOD)))]
    name = data.draw(st.sampled_from(sorted(set(good.headers) - UNSIGNED)))
    value = data.draw(mutated(good.headers[name]))
    assume(meant(value) != meant(good.headers[name]))
    # The list may have further signatures; one good one is enough.
    assume(name != "webhook-signature" or good.headers[name] not in value.split(" "))

    assert not accepted(runner, good.known, BODY, good.headers | {name: value})


@given(data=st.data())
@MANY
def test_no_mutated_body_is_accepted(runner: asyncio.Runner, data: st.DataObject) -> None:
    """Where it is signed."""
    good = GOOD[data.draw(st.sampled_from([kind for kind in GOOD if GOOD[kind].signed]))]
    body = data.draw(
        st.one_of(st.binary(max_size=64), mutated(BODY.decode()).map(lambda t: t.encode("utf-8")))
    )
    assume(body != BODY)

    assert not accepted(runner, good.known, body, good.headers)


NAMES = st.sampled_from(sorted({name for good in GOOD.values() for name in good.headers}))
VALUES = st.one_of(
    st.text(max_size=40),
    st.tuples(st.sampled_from(["Bearer ", "Basic ", "v1,", "sha256="]), st.text(max_size=20)).map(
        "".join
    ),
    st.from_regex(
        r"Bearer (eyJ|e30)?[A-Za-z0-9_-]{1,8}[.]e30[.][A-Za-z0-9_-]{1,8}", fullmatch=True
    ),
)


@given(
    headers=st.dictionaries(st.one_of(NAMES, st.text(max_size=20)), VALUES, max_size=8),
    body=st.binary(max_size=64),
)
@MANY
def test_no_invented_request_is_accepted(
    runner: asyncio.Runner, headers: Headers, body: bytes
) -> None:
    """By any credential there is."""
    assert not accepted(runner, EVERYBODY, body, headers)
