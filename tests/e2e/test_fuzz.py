"""Five thousand requests made of our own description, and as many broken bodies per source.

Nothing may ever be answered 5xx; what is answered must be what the description says.
"""

import base64
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from bench.http_load import Request, send
from demo.processes import HostProcess
from shared.intake.registry import SOURCES
from tests.support.mend import brisk
from tests.unit.intake.bodies import REALISTIC
from triggers.description import document

SECRET = "a-secret-of-the-tests"
EACH = 5_000
_CONNECTIONS = 8
# Nobody listens there: tickets wait, and the host has time for what is tested.
_NO_FACTORY = "http://127.0.0.1:9"
_SOURCES = sorted(set(SOURCES) - {"canary"})
_API = schemathesis.openapi.from_dict(document())
_OPERATIONS: list[Any] = [found.ok() for found in cast("Iterator[Any]", _API.get_all_operations())]
# What only our code knows: a cursor's contents, which factory exists, a NUL in a text.
_BEYOND_SCHEMAS = "positive_data_acceptance"
_LENIENT = "negative_data_rejection"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a host of its own."""
    with HostProcess(tmp_path_factory.mktemp("fuzz") / "data", brisk(_NO_FACTORY)) as host:
        yield host.url


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """Yield a host whose senders sign."""
    secrets = {source: {"type": "hmac", "secret": SECRET} for source in _SOURCES}
    settings_ = brisk(_NO_FACTORY, MEND_WEBHOOK_SECRETS=json.dumps(secrets))
    with HostProcess(tmp_path_factory.mktemp("guarded") / "data", settings_) as host:
        yield host


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda one: f"{one.method}-{one.path}")
def test_the_api_is_as_it_is_described(url: str, operation: Any, mode: GenerationMode) -> None:
    """Good requests and bad ones: no 5xx, described statuses, described bodies."""
    load_all_checks()
    calls = EACH // 2 // 24 + 1  # as many operations take something that can be varied

    @hypothesis_given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=calls,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def call(case: Any) -> None:
        # An empty parameter is as good as none, as forms send it: not what its schema says.
        values = [*(case.query or {}).values(), *dict(case.headers or {}).values()]
        # Of an object in a query the client sends the keys.
        parts = [
            one
            for value in values
            for one in (value if isinstance(value, list | dict) else [value])
        ]
        lenient = [] if all(parts) else [_LENIENT]
        answer = case.call(base_url=f"{url}/api")
        if answer.status_code == 413:  # the check of refusals does not know it
            lenient = [_LENIENT]
        excluded = CHECKS.get_by_names([_BEYOND_SCHEMAS, *lenient])
        try:
            case.validate_response(answer, excluded_checks=excluded)
        except FailureGroup as group:
            raise AssertionError("\n".join(str(one) for one in group.exceptions)) from None

    try:
        call()
    except Unsatisfiable:
        pytest.skip("takes nothing that could be wrong")


def bodies_of(source: str) -> list[bytes]:
    """Return real bodies of ``source``."""
    return [
        body if isinstance(body, bytes) else json.dumps(body).encode()
        for name, body in REALISTIC
        if name == source
    ]


_PIECES = (
    b"{}", b"[]", b'"', b"\\", b"\x00", b"\xff", b"\xed\xa0\x80", b"null", b"NaN", b"1e999",
    b"9" * 400, b"[" * 60, b'{"a":' * 40, b"\\ud800", b"\xef\xbb\xbf", b"@{pipeline().RunId}",
    b'"runId":"x",', b"../../..", b"' OR 1=1 --", b"<script>", b"%00", b"\r\n\r\n",
)  # fmt: skip


def broken(body: bytes, chance: random.Random) -> bytes:
    """Return ``body`` with one to four things done to it."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body) + 1)
        end = min(len(body), at + chance.randint(0, 30))
        match chance.randrange(6):
            case 0:
                body = body[:at] + body[end:]
            case 1:
                body = body[:at] + chance.choice(_PIECES) + body[at:]
            case 2:
                body = body[:at] + body[at:end] * chance.randint(2, 5) + body[end:]
            case 3 if body:
                flipped = body[at % len(body)] ^ (1 << chance.randrange(8))
                body = body[: at % len(body)] + bytes([flipped]) + body[at % len(body) + 1 :]
            case 4:
                body = body[:at] + chance.randbytes(chance.randint(1, 20)) + body[at:]
            case _:
                other = chance.randrange(len(body) + 1)
                body = body[:at] + body[other:]
    return body


@pytest.mark.parametrize("source", _SOURCES)
def test_broken_bodies_are_refused_or_read(url: str, source: str) -> None:
    """202 or a clear 4xx, whatever comes; and all of it is accounted for."""
    chance, originals = random.Random(source), bodies_of(source)
    requests = [
        Request("POST", _path(source), broken(chance.choice(originals), chance) or b" ")
        for _ in range(EACH // 2)
    ]
    load = send(url, requests, _CONNECTIONS)

    assert set(load.statuses) <= {202, 400, 413}, load.statuses
    assert load.statuses[400] > 0
    counts = httpx.get(f"{url}/api/v1/intake/counts", trust_env=False).json()
    assert [one for one in counts["items"] if one["source"] == source and one["unaccounted"]] == []


@pytest.mark.parametrize("source", _SOURCES)
def test_nothing_is_accepted_with_a_signature_of_something_else(
    guarded: HostProcess, source: str
) -> None:
    """A changed body, or a changed header, has no valid signature."""
    chance, originals = random.Random(source), bodies_of(source)
    requests = []
    for number in range(EACH // 2):
        body = chance.choice(originals)
        headers = _signed(body, f"msg_{number}")
        if number % 2:
            requests.append(Request("POST", _path(source), _other(body, chance), headers))
        else:
            requests.append(Request("POST", _path(source), body, _changed(headers, chance)))
    before = _resident_mb(guarded)
    load = send(guarded.url, requests, _CONNECTIONS)

    assert set(load.statuses) == {401}, load.statuses
    assert _resident_mb(guarded) - before < 64
    good = Request("POST", _path(source), originals[0], _signed(originals[0], "msg_good"))
    assert set(send(guarded.url, [good], 1).statuses) <= {202, 400}


def _path(source: str) -> str:
    return f"/api/v1/tickets/webhook/{source}"


def _signed(body: bytes, name: str) -> tuple[tuple[str, str], ...]:
    stamp = str(int(time.time()))
    digest = hmac.digest(SECRET.encode(), f"{name}.{stamp}.".encode() + body, sha256)
    return (
        ("webhook-id", name),
        ("webhook-timestamp", stamp),
        ("webhook-signature", f"v1,{base64.b64encode(digest).decode()}"),
    )


def _other(body: bytes, chance: random.Random) -> bytes:
    while (changed := broken(body, chance) or b" ") == body:
        pass
    return changed


def _changed(
    headers: tuple[tuple[str, str], ...], chance: random.Random
) -> tuple[tuple[str, str], ...]:
    """Change one header so that it means something else, or leave it out."""
    at = chance.randrange(len(headers))
    name, value = headers[at]
    where = chance.randrange(len(value))
    other = chance.choice([one for one in "0Az9+/=-_.:" if one != value[where]])
    changed = value[:where] + other + value[where + 1 :]
    # The last sextet of base64 has bits that decoding drops; ours compares text, all of it.
    kept = () if chance.random() < 0.2 else ((name, changed),)
    return (*headers[:at], *kept, *headers[at + 1 :])


def _resident_mb(host: HostProcess) -> float:
    pages = int(Path(f"/proc/{host.pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_the_fuzzer_breaks_what_it_is_given() -> None:
    """A fuzzer whose bodies are all as they were would prove nothing."""
    chance = random.Random(1)
    kinds = Counter(broken(b'{"a": "b"}', chance) == b'{"a": "b"}' for _ in range(500))
    assert kinds[False] > 450
