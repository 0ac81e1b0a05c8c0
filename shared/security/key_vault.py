"""Secrets of an Azure Key Vault, read when they are used and kept for a while.

``kv://NAME`` as the value of a setting stands for the current version of the secret ``NAME``.
Names: letters, digits and dashes, at most 127 (Microsoft Learn, "Azure Key Vault object
identifiers").
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.connectors.azure_identity import credential
from shared.domain.errors import NotConfigured, Unavailable
from shared.domain.urls import is_loopback

logger = logging.getLogger(__name__)

SCHEME = "kv://"
LIFETIME_SECONDS = 300.0
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
# A credential that is refused again and again must not become a request each time.
_PAUSE_SECONDS = 30.0

Read = Callable[[str], str]
"""Returns the current value of the secret so named."""


def secret_name(reference: str) -> str:
    """Return the name in ``kv://NAME``.

    Raises:
        ValueError: it is no name of a secret.
    """
    name = reference.removeprefix(SCHEME)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{reference!r} must be kv:// and a name of letters, digits and dashes")
    return name


@dataclass(slots=True)
class _Kept:
    value: str
    until: float


class KeyVault:
    """One vault. Safe to use from several threads.

    The first use of a secret waits for the vault. Later ones never do: what is kept for longer
    than its lifetime is read again beside, and used until then. A vault that does not answer
    costs nothing but the news.

    Args:
        read: Asks the vault; raises whatever it likes.
        lifetime_seconds: After which a changed secret is seen at the latest.
        clock: Seconds, growing.
    """

    def __init__(
        self,
        read: Read,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._under_way: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._renewed_at = clock() - _PAUSE_SECONDS

    def value(self, name: str) -> str:
        """Return the secret ``name``.

        Raises:
            NotConfigured: there is no such secret.
            Unavailable: it is not known yet, and the vault does not answer.
        """
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and self._clock() >= kept.until and name not in self._under_way:
                thread = threading.Thread(target=self._renew, args=(name,), daemon=True)
                self._under_way[name] = thread
                thread.start()
        return kept.value if kept is not None else self._keep(name)

    def refused(self) -> bool:
        """Read all secrets again now, because one of them was refused somewhere.

        Waits for the vault; at most once in half a minute. ``True``: one has changed.
        """
        with self._lock:
            now = self._clock()
            if now - self._renewed_at < _PAUSE_SECONDS:
                return False
            self._renewed_at = now
            before = {name: kept.value for name, kept in self._kept.items()}
        for name in before:
            self._renew(name)
        return any(self._kept[name].value != value for name, value in before.items())

    def read_now(self, name: str) -> None:
        """Ask the vault for ``name`` whatever is kept.

        Raises as :meth:`value` does.
        """
        self._keep(name)

    def settle(self) -> None:
        """Wait until nothing is being read beside."""
        for thread in list(self._under_way.values()):
            thread.join()

    def _renew(self, name: str) -> None:
        try:
            self._keep(name)
        except Exception:  # the old value goes on being used
            logger.exception("secret %r not read again", name)
            with self._lock:
                self._kept[name].until = self._clock() + _PAUSE_SECONDS
        finally:
            self._under_way.pop(name, None)

    def _keep(self, name: str) -> str:
        value = self._read(name)
        with self._lock:
            self._kept[name] = _Kept(value, self._clock() + self._lifetime_seconds)
        return value


def reader(vault_url: str) -> Read:
    """Return what asks the vault at ``vault_url`` as this app's identity, or on loopback as nobody.

    It raises ``NotConfigured`` for what asking again will not mend, and ``Unavailable``.
    """
    clients: list[Any] = []

    def read(name: str) -> str:
        from azure.core.exceptions import AzureError, HttpResponseError

        if not clients:
            clients.append(_client(vault_url))
        try:
            value: str | None = clients[0].get_secret(name).value
        except HttpResponseError as error:
            advice = _ADVICE.get(error.status_code or 0)
            if advice is not None:
                raise NotConfigured(
                    f"secret {name!r} of {vault_url}: {advice} (HTTP {error.status_code})"
                ) from error
            raise Unavailable(
                f"secret {name!r} of {vault_url} cannot be read: HTTP {error.status_code}"
            ) from error
        except (AzureError, ValueError) as error:
            raise Unavailable(
                f"secret {name!r} of {vault_url} cannot be read: {type(error).__name__}; "
                "is KEY_VAULT_URL right, and may this network reach it?"
            ) from error
        return value or ""

    return read


_ADVICE = {
    401: "this app's identity is unknown to the vault's tenant",
    403: "it is disabled, or this app's identity lacks the role 'Key Vault Secrets User'",
    404: "there is none of that name",
}


def _client(vault_url: str) -> Any:
    from azure.keyvault.secrets import SecretClient

    options: dict[str, Any] = {"retry_total": 2, "connection_timeout": 5, "read_timeout": 10}
    parts = urlsplit(vault_url)
    if parts.scheme == "http" and is_loopback(parts.hostname):
        from azure.core.pipeline.policies import ContentDecodePolicy

        # The SDK's own pipeline refuses plain http, on loopback too.
        return SecretClient(vault_url, _NOBODY, policies=[ContentDecodePolicy(), _simulated()])
    return SecretClient(vault_url, credential(), **options)


_NOBODY: Any = object()


def _simulated() -> Any:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Simulated(SansIOHTTPPolicy):  # type: ignore[type-arg]
        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = "Bearer simulated"

    return Simulated()
