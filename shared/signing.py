"""Keys that this installation signs with, and the tokens made of them.

``MEND_SIGNING_KEYS`` lists them, newest first: the first signs, all are believed, so that
a key can be changed without breaking what was signed before. On one machine a key is
made at the first start and kept beside the data.
"""

import base64
import binascii
import hmac
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from shared.domain.errors import NotConfigured

_FILE = "signing.key"
_MIN_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; ``kid`` names it in tokens."""

    kid: str
    secret: bytes


def parse_keys(text: str) -> tuple[SigningKey, ...]:
    """Return the keys of ``kid:base64secret[,kid:base64secret]``.

    Raises:
        ValueError: one of them is no such pair, too short, or named twice.
    """
    keys = tuple(_parse(one.strip()) for one in text.split(",") if one.strip())
    if not keys:
        raise ValueError("must have at least one key")
    if len({key.kid for key in keys}) != len(keys):
        raise ValueError("must name every key differently")
    return keys


def _parse(text: str) -> SigningKey:
    kid, colon, encoded = text.partition(":")
    if not (kid and colon and kid.isalnum()):
        raise ValueError("must be kid:base64secret, the kid of letters and digits")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the secret of key {kid!r} must be base64") from None
    if len(secret) < _MIN_BYTES:
        raise ValueError(f"the secret of key {kid!r} must have at least {_MIN_BYTES} bytes")
    return SigningKey(kid, secret)


def local_keys(folder: Path) -> tuple[SigningKey, ...]:
    """Return the keys kept in ``folder``; makes one, readable by its owner only, at first.

    Raises:
        NotConfigured: the file is there and is not what we wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    made = f"k1:{base64.b64encode(secrets.token_bytes(_MIN_BYTES)).decode()}"
    fresh = folder / f"{_FILE}.{secrets.token_hex(4)}"
    if not path.exists():
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # whoever comes second keeps the first one's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    try:
        return parse_keys(path.read_text())
    except ValueError as error:
        raise NotConfigured(
            f"{path} is damaged ({error}); restore it, or delete it to make links and callbacks "
            "that are on their way invalid"
        ) from None


@dataclass(frozen=True, slots=True)
class CallbackTokens:
    """Implements :class:`~shared.ports.logic_app.CallbackAddress`.

    A token is derived, never stored: whoever reads the tickets cannot report on them.
    """

    keys: tuple[SigningKey, ...]
    public_url: str

    @property
    def url(self) -> str:
        """See the protocol."""
        return f"{self.public_url}/api/remediation-callback"

    def token(self, ticket_id: str, attempt_number: int) -> str:
        """See the protocol."""
        return _sign(self.keys[0], ticket_id, attempt_number)

    def is_valid(self, token: str, ticket_id: str, attempt_number: int) -> bool:
        """Tell whether ``token`` belongs to the attempt, in a time that tells nothing else."""
        good = False
        for key in self.keys:
            good |= hmac.compare_digest(
                token.encode(), _sign(key, ticket_id, attempt_number).encode()
            )
        return good


def _sign(key: SigningKey, ticket_id: str, attempt_number: int) -> str:
    message = f"mend-callback|{ticket_id}|{attempt_number}"
    return f"{key.kid}.{hmac.new(key.secret, message.encode(), sha256).hexdigest()}"


def canary_secret(key: SigningKey) -> bytes:
    """Return what our own canaries are signed with: made of the key, and useless for all else."""
    return hmac.new(key.secret, b"mend-canary", sha256).hexdigest().encode()
