"""Whether a webhook's request shows a credential of its source.

Everything is decided over the bytes that came over the wire, before anybody parses them:
the same JSON written differently has another signature.
"""

import base64
import hmac
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import assert_never

from shared.domain.errors import Unauthenticated, Unavailable
from shared.security.credentials import (
    AnyScheme,
    Basic,
    Bearer,
    Credential,
    Entra,
    Header,
    Hmac,
)
from shared.security.entra import KeySets, app_may_call, key_set

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 300
"""How far a signed timestamp may be from our clock, either way: what the reference
implementation of Standard Webhooks allows."""

SECRET_HEADER = "x-mend-secret"  # noqa: S105 - a name
_MAX_SIGNATURES = 16
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_ID = re.compile(rb"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Verified:
    """Who sent it.

    Attributes:
        kid: Name of the credential that matched.
        delivery_id: To be claimed once per source, so that a delivery that is sent again is
            recognised; ``None`` where the sender signs nothing. At most 128 characters.
        weak: The body is not signed and the secret travels with each request: what it says is
            only a hint.
    """

    kid: str
    delivery_id: str | None
    weak: bool


async def verify(
    credentials: Sequence[Credential],
    raw: bytes,
    headers: Mapping[str, str],
    now: datetime,
    *,
    key_sets: KeySets = key_set,
) -> Verified:
    """Return the credential that the request shows; the first one, if it shows several.

    Every credential is tried, whichever matches: the time taken tells nothing.

    Args:
        credentials: Of the source, from ``parse_credentials``; none means nobody may send.
        raw: The body as it came over the wire.
        headers: In any case; a name that occurs in two spellings counts as absent.
        now: Aware.
        key_sets: Public keys by their URL, for tokens of Entra ID.

    Raises:
        Unauthenticated: it shows none, whatever is in it.
        Unavailable: it shows a token whose issuer's keys cannot be read now.
        ValueError: ``now`` is naive: a mistake of the caller, not of the sender.
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    request = _Request(raw, _by_name(headers), now)
    matched: Verified | None = None
    unavailable: Unavailable | None = None
    for credential in credentials:
        try:
            found = await _check(credential, request, key_sets)
        except Unavailable as error:
            unavailable = error
        except Exception as error:  # noqa: BLE001 - nothing that a sender writes is our failure
            logger.debug("verifier failed: %s", type(error).__name__)
        else:
            matched = matched or found
    if matched is not None:
        return matched
    if unavailable is not None:
        raise unavailable
    raise Unauthenticated


@dataclass(frozen=True, slots=True)
class _Request:
    raw: bytes
    headers: Mapping[str, bytes]
    now: datetime

    def shows(self, header: str, expected: bytes) -> bool:
        """Tell whether ``header`` has this value, in a time that tells nothing else."""
        return hmac.compare_digest(self.headers.get(header, b""), expected)

    def authorization(self, scheme: bytes) -> bytes:
        """Return what follows ``scheme`` (in any case) in ``Authorization``, or nothing."""
        given, _, rest = self.headers.get("authorization", b"").partition(b" ")
        return rest if given.lower() == scheme else b""

    def timestamp(self, header: str) -> bytes | None:
        """Return the seconds since 1970 in ``header`` if they are within the window."""
        text = self.headers.get(header, b"")
        if not _TIMESTAMP.fullmatch(text):
            return None
        return text if abs(self.now.timestamp() - int(text)) <= WINDOW_SECONDS else None


def _by_name(headers: Mapping[str, str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    twice = set()
    for name, value in headers.items():
        lower = name.lower()
        if lower in found:
            twice.add(lower)
        found[lower] = _wire(value)
    return {name: value for name, value in found.items() if name not in twice}


def _wire(value: str) -> bytes:
    """Return a header's bytes. What cannot have been one equals nothing, also not by ``?``."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return b""


async def _check(credential: Credential, request: _Request, key_sets: KeySets) -> Verified | None:
    """Return what ``credential`` says about the request; ``None``: it does not match."""
    kid = credential.kid or credential.kind
    match credential:
        case AnyScheme() | Basic() | Bearer() | Header():
            good = _shows_secret(credential, request)
            return Verified(kid, None, weak=True) if good else None
        case Hmac():
            delivery_id = _STYLES[credential.style](credential.key, request)
            return Verified(kid, delivery_id, weak=False) if delivery_id else None
        case Entra():
            text = request.authorization(b"bearer").decode("ascii")
            good = await app_may_call(credential, text, request.now, key_sets)
            return Verified(kid, None, weak=False) if good else None
        case _:
            assert_never(credential)


def _shows_secret(credential: AnyScheme | Basic | Bearer | Header, request: _Request) -> bool:
    match credential:
        case Basic():
            password = credential.password.get_secret_value()
            return _shows_basic(f"{credential.username}:{password}", request)
        case Bearer():
            return _shows_bearer(credential.token.get_secret_value(), request)
        case Header():
            expected = credential.value.get_secret_value().encode()
            return request.shows(credential.name, expected)
        case AnyScheme():
            text = credential.secret.get_secret_value()
            good = _shows_bearer(text, request)
            good |= request.shows(SECRET_HEADER, text.encode())
            return good | (_shows_basic(text, request) & (":" in text))
        case _:
            assert_never(credential)


def _shows_bearer(expected: str, request: _Request) -> bool:
    return hmac.compare_digest(request.authorization(b"bearer"), expected.encode())


def _shows_basic(expected: str, request: _Request) -> bool:
    # Compared as base64: decoding would accept several spellings, and could fail.
    encoded = base64.b64encode(expected.encode())
    return hmac.compare_digest(request.authorization(b"basic"), encoded)


def _standard(key: bytes, request: _Request) -> str | None:
    """Standard Webhooks 1.0: ``v1,BASE64`` of ``id.timestamp.body``, several with blanks between.

    An id with a full stop could be read as an id and a timestamp.
    """
    identity, stamp = request.headers.get("webhook-id", b""), request.timestamp("webhook-timestamp")
    if not _ID.fullmatch(identity) or b"." in identity or stamp is None:
        return None
    digest = hmac.digest(key, b".".join((identity, stamp, request.raw)), sha256)
    expected = b"v1," + base64.b64encode(digest)
    good = False
    for offered in request.headers.get("webhook-signature", b"").split(b" ")[:_MAX_SIGNATURES]:
        good |= hmac.compare_digest(offered, expected)
    return identity.decode() if good else None


def _github(key: bytes, request: _Request) -> str | None:
    """GitHub Docs, "Validating webhook deliveries": ``sha256=HEX`` of the body."""
    expected = _hex_digest(key, request.raw)
    if not request.shows("x-hub-signature-256", expected):
        return None
    return _delivery(expected)


def _timestamp(key: bytes, request: _Request) -> str | None:
    """``sha256=HEX`` of ``timestamp.body``."""
    stamp = request.timestamp("x-mend-timestamp")
    if stamp is None:
        return None
    expected = _hex_digest(key, stamp + b"." + request.raw)
    if not request.shows("x-mend-signature", expected):
        return None
    return _delivery(expected)


_STYLES: dict[str, Callable[[bytes, _Request], str | None]] = {
    "standard": _standard,
    "github": _github,
    "timestamp": _timestamp,
}


def _hex_digest(key: bytes, message: bytes) -> bytes:
    return b"sha256=" + hmac.digest(key, message, sha256).hex().encode()


def _delivery(signature: bytes) -> str:
    """Return what only this signature has.

    The sender's own id is not signed: a captured request could come again under another one.
    """
    return f"sha256:{sha256(signature).hexdigest()}"
