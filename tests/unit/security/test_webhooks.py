"""Senders are who they say they are, or get one and the same refusal."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from shared.domain.errors import Unauthenticated
from shared.security.credentials import Credential
from shared.security.webhooks import Verified, verify
from tests.unit.security.requests import (
    BODY,
    KEY,
    NOW,
    OTHER_KEY,
    SECONDS,
    Headers,
    basic,
    credentials,
    github,
    hmac_credentials,
    standard,
    timestamped,
    without,
)

SECRET = "hunter2-hunter2"
STANDARD = hmac_credentials("standard")
GITHUB = hmac_credentials("github")
TIMESTAMP = hmac_credentials("timestamp")


async def refused(
    known: tuple[Credential, ...],
    headers: Mapping[str, str],
    body: bytes = BODY,
    now: datetime = NOW,
) -> None:
    """Expect the refusal, which says nothing about its cause."""
    with pytest.raises(Unauthenticated) as caught:
        await verify(known, body, headers, now)

    assert str(caught.value) == str(Unauthenticated())


@pytest.mark.parametrize(
    ("given", "headers", "kid"),
    [
        pytest.param(f'"mend:{SECRET}"', basic("mend", SECRET), "string-1", id="string as Basic"),
        pytest.param(
            f'"{SECRET}"', {"authorization": f"Bearer {SECRET}"}, "string-1", id="string as bearer"
        ),
        pytest.param(
            f'"mend:{SECRET}"', {"X-Mend-Secret": f"mend:{SECRET}"}, "string-1", id="as header"
        ),
        pytest.param(
            f'{{"username": "mend", "password": "pä:{SECRET}"}}',
            basic("mend", f"pä:{SECRET}"),
            "basic-1",
            id="Basic",
        ),
        pytest.param(
            f'{{"token": "{SECRET}", "kid": "2027"}}',
            {"AUTHORIZATION": f"bearer {SECRET}"},
            "2027",
            id="bearer",
        ),
        pytest.param(
            f'{{"header": "DD-Secret", "value": "{SECRET}"}}',
            {"dd-secret": SECRET},
            "header-1",
            id="header",
        ),
    ],
)
async def test_a_secret_that_is_shown_is_weak(given: str, headers: Headers, kid: str) -> None:
    """It says nothing about the body, and nothing tells two requests apart."""
    verified = await verify(credentials(given), BODY, headers, NOW)

    assert verified == Verified(kid, None, weak=True)


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        pytest.param(f'"mend:{SECRET}"', basic("mend", "other"), id="another password"),
        pytest.param(f'"mend:{SECRET}"', basic("bend", SECRET), id="another user"),
        pytest.param(f'"mend:{SECRET}"', {"Authorization": "Basic é"}, id="not ASCII"),
        pytest.param(f'"mend:{SECRET}"', {"Authorization": "Basic %%%"}, id="no base64"),
        pytest.param(f'"mend:{SECRET}"', {"Authorization": "Basic"}, id="no parameter"),
        pytest.param(f'"{SECRET}"', basic("", SECRET), id="Basic of a string without a colon"),
        pytest.param(
            f'"{SECRET}"',
            {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()},
            id="Basic without a user",
        ),
        pytest.param(f'"{SECRET}"', {"Authorization": SECRET}, id="no scheme"),
        pytest.param(f'"{SECRET}"', {"Authorization": f"Bearer  {SECRET}"}, id="two blanks"),
        pytest.param(f'"{SECRET}"', {"Authorization": f"Bearer {SECRET}x"}, id="too much"),
        pytest.param(f'"{SECRET}"', {"Authorization": f"Bearer {SECRET[:-1]}"}, id="too little"),
        pytest.param(f'"{SECRET}"', {"X-Mend-Secret": "é"}, id="é"),
        pytest.param(f'"{SECRET}"', {"X-Mend-Secret": "\ud800"}, id="a lone surrogate"),
        pytest.param('"hunter2?hunter2"', {"X-Mend-Secret": "hunter2€hunter2"}, id="? is not €"),
        pytest.param(f'"{SECRET}"', {"X-Mend-Secret": ""}, id="empty"),
        pytest.param(f'"{SECRET}"', {}, id="nothing"),
        pytest.param(
            f'"{SECRET}"', {"X-Mend-Secret": SECRET, "x-mend-secret": SECRET}, id="header twice"
        ),
        pytest.param(
            f'{{"token": "{SECRET}"}}', {"X-Mend-Secret": SECRET}, id="bearer in a header"
        ),
        pytest.param(
            f'{{"username": "mend", "password": "{SECRET}"}}',
            {"Authorization": f"Bearer mend:{SECRET}"},
            id="Basic as bearer",
        ),
        pytest.param(
            f'{{"header": "DD-Secret", "value": "{SECRET}"}}',
            {"X-Mend-Secret": SECRET},
            id="another header",
        ),
    ],
)
async def test_anything_else_is_refused(given: str, headers: Headers) -> None:
    """Without an exception of another kind."""
    await refused(credentials(given), headers)


async def test_nobody_may_send_where_nothing_is_configured() -> None:
    """A guard does not fail open."""
    await refused((), {"X-Mend-Secret": ""})


async def test_the_specification_of_standard_webhooks_is_met() -> None:
    """The values are those of the reference library's own test (standardwebhooks 1.0)."""
    known = credentials('{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}')
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = datetime.fromisoformat("2021-02-25T15:02:10+00:00")

    verified = await verify(known, b'{"test": 2432232314}', headers, now)

    assert verified == Verified("hmac-1", "msg_p5jXN8AQM9LWM0D4loKWxJek", weak=False)


async def test_each_style_tells_its_delivery() -> None:
    """The sender's id where it is signed, else the signature's hash."""
    by_id = await verify(STANDARD, BODY, standard(name="msg_7"), NOW)
    github_1 = await verify(GITHUB, BODY, github(), NOW)
    github_2 = await verify(GITHUB, BODY, without(github(), "X-GitHub-Delivery"), NOW)
    ours = await verify(TIMESTAMP, BODY, timestamped(), NOW)
    again = await verify(TIMESTAMP, BODY, timestamped(), NOW + timedelta(seconds=10))
    later = await verify(TIMESTAMP, BODY, timestamped(stamp=str(SECONDS + 1)), NOW)
    named = await verify(TIMESTAMP, BODY, timestamped() | {"X-Mend-Delivery": "d-1"}, NOW)

    assert by_id.delivery_id == "msg_7"
    assert github_1.delivery_id == github_2.delivery_id
    assert (github_1.delivery_id or "").startswith("sha256:")
    assert ours.delivery_id == again.delivery_id == named.delivery_id != later.delivery_id
    assert not any(one.weak for one in (by_id, github_1, ours, named))


@pytest.mark.parametrize("body", [b"", b"\xff", BODY, b"\x00" * 70_000])
async def test_any_body_can_be_signed(body: bytes) -> None:
    """A signature is over bytes; whether they are JSON is somebody else's question."""
    assert await verify(STANDARD, body, standard(body), NOW)
    assert await verify(GITHUB, body, github(body), NOW)
    assert await verify(TIMESTAMP, body, timestamped(body), NOW)


@pytest.mark.parametrize(
    ("known", "headers"), [(STANDARD, standard()), (GITHUB, github()), (TIMESTAMP, timestamped())]
)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(BODY + b" ", id="a blank more"),
        pytest.param(json.dumps(json.loads(BODY), sort_keys=True).encode(), id="keys reordered"),
        pytest.param(
            json.dumps(json.loads(BODY), separators=(",", ":")).encode(), id="without blanks"
        ),
    ],
)
async def test_another_body_is_refused(
    known: tuple[Credential, ...], headers: Headers, body: bytes
) -> None:
    """Also one that means the same."""
    await refused(known, headers, body)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        "v1 " + standard()["webhook-signature"][3:],
        standard()["webhook-signature"][3:],
        "v1," + "%" * 44,
        "v1,é",
        "v1,€",
        "v1," + standard()["webhook-signature"][3:].rstrip("="),
        "v1a," + standard()["webhook-signature"][3:],
        "v2," + standard()["webhook-signature"][3:],
        "V1," + standard()["webhook-signature"][3:],
        standard()["webhook-signature"] + ",",
        standard(key=OTHER_KEY.encode())["webhook-signature"],
        " ".join(["v1,AAAA"] * 16 + [standard()["webhook-signature"]]),
    ],
)
async def test_a_wrong_signature_is_refused(signature: str) -> None:
    """However it is wrong."""
    await refused(STANDARD, standard() | {"webhook-signature": signature})


async def test_one_of_several_signatures_is_enough() -> None:
    """A sender that rotates its key signs with both."""
    old, new = standard(), standard(key=OTHER_KEY.encode())
    both = f"{new['webhook-signature']} v1a,AAAA {old['webhook-signature']}"

    assert await verify(STANDARD, BODY, old | {"webhook-signature": both}, NOW)


@pytest.mark.parametrize("style", ["github", "timestamp"])
@pytest.mark.parametrize(
    "spoil", [str.upper, lambda s: s[7:], lambda s: s[:-1], lambda _: "sha256="]
)
async def test_a_wrong_hex_signature_is_refused(style: str, spoil: object) -> None:
    """Upper case, no prefix, cut short, empty."""
    assert callable(spoil)
    known = hmac_credentials(style)
    name = "X-Hub-Signature-256" if style == "github" else "X-Mend-Signature"
    headers = github() if style == "github" else timestamped()

    await refused(known, headers | {name: spoil(headers[name])})


@pytest.mark.parametrize("offset", [-299, -1, 0, 1, 299])
async def test_a_timestamp_within_the_window_is_accepted(offset: int) -> None:
    """Five minutes either way."""
    stamp = str(SECONDS + offset)

    assert await verify(STANDARD, BODY, standard(stamp=stamp), NOW)
    assert await verify(TIMESTAMP, BODY, timestamped(stamp=stamp), NOW)


@pytest.mark.parametrize(
    "stamp",
    [
        str(SECONDS - 301),
        str(SECONDS + 301),
        "nan",
        "inf",
        "-1",
        "",
        "0",
        f"{SECONDS}.9",
        "1674087231.9",
        f"+{SECONDS}",
        f" {SECONDS}",
        f"{SECONDS}\n",
        f"{SECONDS:_}",
        f"{SECONDS:013d}",
        hex(SECONDS),
        "".join(chr(0x660 + int(digit)) for digit in str(SECONDS)),
        "9" * 5_000,
    ],
)
async def test_any_other_timestamp_is_refused(stamp: str) -> None:
    """Also when the signature over it is right."""
    await refused(STANDARD, standard(stamp=stamp))
    await refused(TIMESTAMP, timestamped(stamp=stamp))


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 129, "msg\n", "msg.1", "\x7f"])
async def test_an_impossible_id_is_refused(name: str) -> None:
    """An id goes into the store: short, printable; a full stop could hide a timestamp."""
    await refused(STANDARD, standard(name=name))


async def test_an_id_of_128_characters_is_accepted() -> None:
    """The longest there is."""
    verified = await verify(STANDARD, BODY, standard(name="x" * 128), NOW)

    assert verified.delivery_id == "x" * 128


async def test_a_signature_cannot_be_moved_between_id_and_timestamp() -> None:
    """``a`` + ``1`` + ``2.x`` and ``a.1`` + ``2`` + ``x`` are signed with the same bytes."""
    inner = str(SECONDS)
    headers = standard(inner.encode() + b".body")

    await refused(STANDARD, headers | {"webhook-id": f"msg_1.{inner}"}, b"body")


@pytest.mark.parametrize("style", ["standard", "github", "timestamp"])
@pytest.mark.parametrize("missing", [0, 1])
async def test_a_missing_header_is_refused(style: str, missing: int) -> None:
    """Each of them is needed, but GitHub's delivery id."""
    headers = {"standard": standard(), "github": github(), "timestamp": timestamped()}[style]
    name = list(headers)[missing]
    if name == "X-GitHub-Delivery":
        assert await verify(GITHUB, BODY, without(headers, name), NOW)
    else:
        await refused(hmac_credentials(style), without(headers, name))


async def test_a_style_does_not_stand_for_another() -> None:
    """Each signature is over something else."""
    headers = standard() | github() | timestamped()

    for known in (STANDARD, GITHUB, TIMESTAMP):
        assert await verify(known, BODY, headers, NOW)
    await refused(STANDARD, github() | timestamped())
    await refused(GITHUB, standard() | timestamped())
    await refused(TIMESTAMP, standard() | github())


async def test_keys_are_changed_without_a_gap() -> None:
    """Both are believed during the overlap; the old one no longer after it."""
    old, new = (
        f'{{"secret": "{key}", "kid": "{kid}"}}' for key, kid in ((KEY, "1"), (OTHER_KEY, "2"))
    )
    before, overlap, after = (credentials(one) for one in (old, f"[{new}, {old}]", new))
    by_old, by_new = standard(), standard(key=OTHER_KEY.encode())

    assert (await verify(before, BODY, by_old, NOW)).kid == "1"
    assert (await verify(overlap, BODY, by_old, NOW)).kid == "1"
    assert (await verify(overlap, BODY, by_new, NOW)).kid == "2"
    assert (await verify(after, BODY, by_new, NOW)).kid == "2"
    await refused(after, by_old)
    await refused(before, by_new)


async def test_every_credential_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever matches: the time taken does not tell which."""
    known = credentials(f'["{SECRET}", {{"token": "{SECRET}2"}}, {{"secret": "{KEY}"}}]')
    tried: list[int] = []
    for headers in ({"X-Mend-Secret": SECRET}, standard(), {}):
        calls: list[bytes] = []
        with monkeypatch.context() as patch:
            patch.setattr("shared.security.webhooks._check", _counting(calls), raising=True)
            try:
                await verify(known, BODY, headers, NOW)
            except Unauthenticated:
                assert headers == {}
        tried.append(len(calls))

    assert tried == [3, 3, 3]


def _counting(calls: list[bytes]) -> object:
    from shared.security import webhooks

    real = webhooks._check

    async def check(credential: Credential, request: object, key_sets: object) -> Verified | None:
        calls.append(b"")
        return await real(credential, request, key_sets)  # type: ignore[arg-type]

    return check


async def test_a_failing_verifier_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours must not let anybody see, or in."""

    async def broken(*_: object) -> Verified:
        raise KeyError(SECRET)

    monkeypatch.setattr("shared.security.webhooks._check", broken)

    await refused(STANDARD, standard())


async def test_a_naive_time_is_the_callers_mistake() -> None:
    """It is not answered as if the sender were wrong."""
    with pytest.raises(ValueError, match="aware"):
        await verify(STANDARD, BODY, standard(), NOW.replace(tzinfo=None))


def test_the_error_is_401() -> None:
    """With a stable code."""
    assert (Unauthenticated.http_status, Unauthenticated.code) == (401, "unauthenticated")
