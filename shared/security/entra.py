"""Access tokens of Entra ID: who issued them, for whom, for how long.

Sources: Microsoft Learn, "Access tokens in the Microsoft identity platform" and "Access token
claims reference"; RFC 7519 (JWT), RFC 7517 (keys), RFC 8725 (JWT best current practices).
PyJWT and httpx are imported where they are first needed: most installations check no tokens.
"""

import asyncio
import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from shared.domain.errors import Unauthenticated, Unavailable
from shared.security.credentials import Entra

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

logger = logging.getLogger(__name__)

ALGORITHM = "RS256"
"""The only one Entra ID signs access tokens with, and the only one we believe."""

LEEWAY_SECONDS = 300
"""By how much the issuer's clock and ours may differ."""

_KEPT = timedelta(hours=24)
_UNKNOWN_KID_PAUSE = timedelta(minutes=5)
_FAILURE_PAUSE = timedelta(seconds=5)
_READ_SECONDS = 5.0
_MAX_DOCUMENT_BYTES = 512 * 1024
_MAX_TOKEN_CHARACTERS = 16 * 1024
_MIN_KEY_BITS = 2048
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REQUIRED = ("exp", "nbf", "iss", "aud", "tid")


class KeySet:
    """The public keys of an issuer, read when first needed and kept for 24 hours.

    A key that is not there makes it read again, at most once in five minutes, so that forged
    tokens cannot make us flood the issuer. After a failure it waits for five seconds.

    Args:
        url: Of a JSON Web Key Set; https, or http on loopback.
        transport: Instead of the network, for tests.
    """

    def __init__(self, url: str, *, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self._url = url
        self._transport = transport
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._read_at: datetime | None = None
        self._failed_at: datetime | None = None
        # A lock belongs to the loop it is first waited for in.
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def key(self, kid: str, now: datetime) -> "RSAPublicKey | None":
        """Return the key named ``kid``, or ``None`` if the issuer has none of that name.

        Raises:
            Unavailable: the keys cannot be read, and the ones we have do not answer it.
        """
        if (found := self._known(kid, now)) is not None:
            return found
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            if self._known(kid, now) is None and not self._within(
                self._read_at, _UNKNOWN_KID_PAUSE, now
            ):
                await self._read_again(now)
            return self._known(kid, now)

    def _known(self, kid: str, now: datetime) -> "RSAPublicKey | None":
        return self._keys.get(kid) if self._within(self._read_at, _KEPT, now) else None

    @staticmethod
    def _within(then: datetime | None, length: timedelta, now: datetime) -> bool:
        return then is not None and abs(now - then) < length

    async def _read_again(self, now: datetime) -> None:
        if self._within(self._failed_at, _FAILURE_PAUSE, now):
            raise _keys_unavailable()
        try:
            self._keys = await self._read()
        except Exception as error:
            self._failed_at = now
            logger.warning("the keys of %s cannot be read: %s", self._url, type(error).__name__)
            raise _keys_unavailable() from error
        self._read_at, self._failed_at = now, None

    async def _read(self) -> Mapping[str, "RSAPublicKey"]:
        """Ask the issuer once.

        Raises:
            Exception: whatever went wrong; there is no partial answer.
        """
        import httpx

        body = b""
        async with (
            asyncio.timeout(2 * _READ_SECONDS),
            httpx.AsyncClient(
                transport=self._transport,
                timeout=_READ_SECONDS,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream("GET", self._url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != HTTPStatus.OK:
                raise ValueError(f"HTTP {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _MAX_DOCUMENT_BYTES:
                    raise ValueError("too long")
        return _read_keys(json.loads(body))


def _keys_unavailable() -> Unavailable:
    return Unavailable("the keys of the sender's identity provider cannot be read now")


def _read_keys(document: object) -> dict[str, "RSAPublicKey"]:
    """Return the RSA keys for signatures of a JSON Web Key Set; others are passed over.

    Raises:
        ValueError: it is none, or has no such key.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, RSAPublicKey] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(kid := one.get("kid"), str):
            key = _public_key(one)
            if key is not None:
                found.setdefault(kid, key)
    if not found:
        raise ValueError("no key set")
    return found


def _public_key(one: Mapping[str, object]) -> "RSAPublicKey | None":
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    meant = one.get("kty") == "RSA" and one.get("use", "sig") == "sig"
    if not meant or one.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        key = jwt.PyJWK(dict(one), algorithm=ALGORITHM).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    # Whoever publishes a private key has no secret any more.
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_KEY_BITS:
        return None
    return key


KeySets = Callable[[str], KeySet]


@lru_cache(maxsize=16)
def key_set(url: str) -> KeySet:
    """Return the key set of ``url``, the same one for all of this process."""
    return KeySet(url)


@dataclass(frozen=True, slots=True)
class TokenValidator:
    """Checks access tokens for one audience of one tenant, of applications or of people.

    Attributes:
        keys: Of the issuer.
        issuers: Of which one must stand in ``iss``, to the letter.
        audience: What ``aud`` must be: one text, no list.
        tenant: What ``tid`` must be, in lower case.
    """

    keys: KeySet
    issuers: tuple[str, ...]
    audience: str
    tenant: str

    async def claims(self, token: str, now: datetime) -> Mapping[str, object]:
        """Return the claims of a token that is signed, for us, and valid now.

        What the caller may do is for the caller of this to decide, by ``roles``, ``scp``,
        ``appid``, ``azp`` or ``oid``.

        Args:
            token: What follows ``Bearer``.
            now: Aware. ``exp`` and ``nbf`` may be off by ``LEEWAY_SECONDS``.

        Raises:
            Unauthenticated: anything is wrong with it.
            Unavailable: the issuer's keys cannot be read.
        """
        try:
            return await self._claims(token, now)
        except (Unauthenticated, Unavailable):
            raise
        except Exception:  # noqa: BLE001 - whatever a stranger sends is not our failure
            raise Unauthenticated from None

    async def _claims(self, token: str, now: datetime) -> Mapping[str, object]:
        import jwt

        # PyJWT would take padding as well, and with it one token in several spellings.
        if len(token) > _MAX_TOKEN_CHARACTERS or not _JWT.fullmatch(token):
            raise Unauthenticated
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        # Before the keys are asked for: a token that we cannot believe costs no request.
        if header.get("alg") != ALGORITHM or not isinstance(kid, str):
            raise Unauthenticated
        key = await self.keys.key(kid, now)
        if key is None:
            raise Unauthenticated
        claims: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=self.audience,
            issuer=list(self.issuers),
            options={
                "require": list(_REQUIRED),
                "strict_aud": True,
                "enforce_minimum_key_length": True,
                # By our own clock, below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        if not _is_valid_at(claims, now.timestamp()) or _lower(claims.get("tid")) != self.tenant:
            raise Unauthenticated
        return claims


def _is_valid_at(claims: Mapping[str, object], now: float) -> bool:
    ends, begins = _moment(claims.get("exp")), _moment(claims.get("nbf"))
    if ends is None or begins is None:
        return False
    return begins - LEEWAY_SECONDS <= now < ends + LEEWAY_SECONDS


def _moment(value: object) -> float | None:
    """Return a NumericDate (RFC 7519: seconds since 1970), or ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _lower(value: object) -> str | None:
    return value.lower() if isinstance(value, str) else None


async def app_may_call(credential: Entra, token: str, now: datetime, key_sets: KeySets) -> bool:
    """Tell whether ``token`` is the application's that ``credential`` names, with its role.

    Raises:
        Unauthenticated: it is no valid token for us at all.
        Unavailable: the issuer's keys cannot be read.
    """
    validator = TokenValidator(
        keys=key_sets(credential.keys_url),
        issuers=credential.issuers,
        audience=credential.audience,
        tenant=credential.tenant,
    )
    claims = await validator.claims(token, now)
    # v1 tokens say ``appid``, v2 tokens ``azp``.
    callers = {_lower(claims[name]) for name in ("appid", "azp") if name in claims}
    roles = claims.get("roles")
    return callers == {credential.app_id} and isinstance(roles, list) and credential.role in roles
