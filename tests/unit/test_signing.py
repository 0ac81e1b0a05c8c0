"""Keys and the tokens made of them."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.domain.errors import NotConfigured
from shared.signing import CallbackTokens, local_keys, parse_keys

SECRET = base64.b64encode(b"x" * 32).decode()
OTHER = base64.b64encode(b"y" * 32).decode()


def test_the_first_key_signs_and_all_are_believed() -> None:
    """A key can be changed while callbacks are on their way."""
    before = CallbackTokens(parse_keys(f"old:{OTHER}"), "http://mend")
    after = CallbackTokens(parse_keys(f"new:{SECRET},old:{OTHER}"), "http://mend")
    gone = CallbackTokens(parse_keys(f"new:{SECRET}"), "http://mend")
    token = before.token("TIK-1", 1)

    assert after.is_valid(token, "TIK-1", 1)
    assert not gone.is_valid(token, "TIK-1", 1)
    assert after.token("TIK-1", 1).startswith("new.")


@pytest.mark.parametrize(
    ("ticket_id", "number"), [("TIK-2", 1), ("TIK-1", 2), ("TIK-11", 1), ("TIK-1|1", 1)]
)
def test_a_token_is_good_for_one_attempt_only(ticket_id: str, number: int) -> None:
    """Neither another ticket nor another attempt accepts it."""
    tokens = CallbackTokens(parse_keys(f"k1:{SECRET}"), "http://mend")

    assert not tokens.is_valid(tokens.token("TIK-1", 1), ticket_id, number)


@pytest.mark.parametrize("token", ["", "k1.", "k1.00", "é", "k1." + "0" * 64, "x" * 10_000])
def test_forged_tokens_are_refused(token: str) -> None:
    """Whatever they look like, and without an exception."""
    tokens = CallbackTokens(parse_keys(f"k1:{SECRET}"), "http://mend")

    assert not tokens.is_valid(token, "TIK-1", 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "at least one"),
        ("k1", "kid:base64secret"),
        (":" + SECRET, "kid:base64secret"),
        ("k 1:" + SECRET, "kid:base64secret"),
        ("k1:%%%", "must be base64"),
        ("k1:" + base64.b64encode(b"short").decode(), "at least 32 bytes"),
        (f"k1:{SECRET},k1:{OTHER}", "differently"),
    ],
)
def test_bad_keys_are_named(text: str, says: str) -> None:
    """The message says what is wrong and shows no secret."""
    with pytest.raises(ValueError, match=says) as caught:
        parse_keys(text)

    assert SECRET not in str(caught.value)


def test_a_local_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """Whoever starts first makes it; everybody else uses it."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: local_keys(tmp_path / "data"), range(32)))

    assert len(found) == 1
    (path,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_file_stops_the_start(tmp_path: Path) -> None:
    """A new key would silently invalidate what was signed before."""
    (tmp_path / "signing.key").write_text("k1:tru")

    with pytest.raises(NotConfigured, match="damaged"):
        local_keys(tmp_path)
