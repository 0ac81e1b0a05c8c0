"""Where mail is handed in, as one URL says it."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. ``encrypted``: "tls" from the start, "starttls", or "no"."""

    host: str
    port: int
    encrypted: str
    user: str
    password: str

    @classmethod
    def of(cls, url: str, *, local: bool = False) -> "MailServer":
        """Read ``smtp://user:password@host:587`` or ``smtps://…:465``; the login may be absent.

        Args:
            local: It is on this machine, and may be spoken to in the clear.

        Raises:
            ValueError: it is neither; the message does not quote it.
        """
        wrong = ValueError("must be smtp://user:password@host:587 or smtps://user:password@host")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise wrong
        plain = "no" if local else "starttls"
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            encrypted="tls" if parts.scheme == "smtps" else plain,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )
