"""Signing keys, which all tenants share, and the tokens made with them."""

import base64
import json
import secrets
import uuid
from dataclasses import dataclass
from functools import cached_property

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from simulators.identity.scripts import TokenScript
from simulators.kit.clock import Clock

ISSUERS = {
    1: "https://sts.windows.net/{tenant}/",
    2: "https://login.microsoftonline.com/{tenant}/v2.0",
}
_BITS = 2048


class Key:
    """An RSA key pair, made when it is first needed: that takes a tenth of a second."""

    def __init__(self) -> None:
        self.kid = base64.urlsafe_b64encode(secrets.token_bytes(20)).rstrip(b"=").decode()

    @cached_property
    def private(self) -> rsa.RSAPrivateKey:
        """The secret half."""
        return rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)

    def as_jwk(self) -> dict[str, object]:
        """Return the public half as the service shows it (RFC 7517)."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _base64(numbers.n),
            "e": _base64(numbers.e),
        }


@dataclass(frozen=True, slots=True)
class Token:
    """A signed token and what is in it."""

    text: str
    kid: str
    claims: dict[str, object]


class NoSuchKey(Exception):
    """There is no key before the first one."""


class Authority:
    """The keys there are, newest first, and which of them are published."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys = [Key()]
        self._published = {self._keys[0].kid}
        self._stranger = Key()

    def clear(self) -> None:
        """Have one key only, the newest: making one takes long."""
        self._keys = self._keys[:1]
        self._published = {self._keys[0].kid}

    def published(self) -> list[Key]:
        """Return the keys that everybody is shown, newest first."""
        return [key for key in self._keys if key.kid in self._published]

    def rotate(self, *, keep: bool) -> list[str]:
        """Sign with a new key from now on; return the kids that are published."""
        self._keys.insert(0, Key())
        self._published = {self._keys[0].kid} | (self._published if keep else set())
        return [key.kid for key in self.published()]

    def mint(self, script: TokenScript) -> Token:
        """Sign a token.

        Raises:
            NoSuchKey: the previous key is wanted, and there is only one.
        """
        key = self._key(script.key)
        claims = _without_nulls({**self._usual_claims(script), **script.claims})
        header = _without_nulls({"kid": key.kid, "x5t": key.kid, **script.header})
        # A JWS of any payload, so that claims of the wrong type can be signed as well.
        text = jwt.PyJWS().encode(
            _json(claims), key.private, algorithm="RS256", headers={"typ": "JWT", **header}
        )
        return Token(text, str(header.get("kid", "")), claims)

    def _key(self, which: str) -> Key:
        if which == "stranger":
            return self._stranger
        place = 1 if which == "previous" else 0
        if place >= len(self._keys):
            raise NoSuchKey
        return self._keys[place]

    def _usual_claims(self, script: TokenScript) -> dict[str, object]:
        now = int(self._clock.now().timestamp())
        return {
            "iss": ISSUERS[script.version].format(tenant=script.tenant),
            "tid": script.tenant,
            "iat": now,
            "nbf": now,
            "exp": now + int(script.lifetime_seconds),
            "ver": f"{script.version}.0",
            "uti": uuid.uuid4().hex,
        }


def _json(claims: dict[str, object]) -> bytes:
    return json.dumps(claims, separators=(",", ":")).encode()


def _without_nulls(given: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in given.items() if value is not None}


def _base64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
