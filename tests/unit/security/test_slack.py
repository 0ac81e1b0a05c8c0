"""Only Slack's own word is taken, about exactly these bytes, and only while it is fresh."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from pydantic import SecretStr

from shared.security.slack import is_from_slack

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SECRET = SecretStr("8f742231b10e8888abcd99yyyzzz85a5")
BODY = b"payload=%7B%22type%22%3A%22block_actions%22%7D"


def signed(body: bytes = BODY, stamp: str = STAMP, secret: SecretStr = SECRET) -> str:
    """Return the signature, as Slack's documentation describes it."""
    text = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.get_secret_value().encode(), text, sha256).hexdigest()


def test_what_slack_signs_is_believed() -> None:
    """Within five minutes either way."""
    for seconds in (0, 299, -299):
        now = NOW + timedelta(seconds=seconds)
        assert is_from_slack(SECRET, STAMP, signed(), BODY, now)


@pytest.mark.parametrize(
    ("stamp", "signature", "body"),
    [
        (STAMP, signed(), BODY + b" "),
        (STAMP, signed(secret=SecretStr("another")), BODY),
        (str(int(STAMP) + 1), signed(), BODY),
        (str(int(STAMP) - 301), signed(stamp=str(int(STAMP) - 301)), BODY),
        (str(int(STAMP) + 301), signed(stamp=str(int(STAMP) + 301)), BODY),
        (STAMP, "", BODY),
        ("", signed(stamp=""), BODY),
        ("soon", signed(stamp="soon"), BODY),
        ("-1", signed(stamp="-1"), BODY),
        ("٣" * 10, signed(stamp="٣" * 10), BODY),
        ("9" * 5000, signed(stamp="9" * 5000), BODY),
        (STAMP, signed().replace("v0", "v1"), BODY),
        (STAMP, signed().upper(), BODY),
        (STAMP, "v0=é" + "0" * 63, BODY),
        (STAMP, signed(b"\xff"), b"\xff"),
    ],
)
def test_nothing_else_is(stamp: str, signature: str, body: bytes) -> None:
    """Whatever is wrong with it."""
    assert not is_from_slack(SECRET, stamp, signature, body, NOW)


@pytest.mark.parametrize("secret", [None, SecretStr(""), SecretStr("  ")])
def test_without_a_secret_nobody_is_slack(secret: SecretStr | None) -> None:
    """Signed with nothing is not signed."""
    empty = SecretStr(secret.get_secret_value() if secret else "")

    assert not is_from_slack(secret, STAMP, signed(secret=empty), BODY, NOW)


def test_one_wrong_bit_is_enough() -> None:
    """Of the signature, wherever."""
    right = signed()
    for place in range(3, len(right)):
        wrong = "0" if right[place] != "0" else "1"
        assert not is_from_slack(
            SECRET, STAMP, right[:place] + wrong + right[place + 1 :], BODY, NOW
        )
