"""One request to a Databricks workspace, through databricks-sdk, and what its failure means.

The SDK repeats every method on lost connections, timeouts, 429, 503 and some texts, for up
to five minutes, and so would start a job twice (databricks-sdk 0.156, ``_base_client.py``).
It sleeps between two tries on a clock that can be given to it: ours does not sleep, it ends
the call. Unknown enum values survive because answers stay plain JSON.
"""

import asyncio
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from shared.connectors.azure_identity import credential
from shared.connectors.azure_wire import retry_after_seconds
from shared.diagnosis.redact import redact
from shared.domain.errors import ConnectorError, OutcomeUnknown, Refused, Transient

SYSTEM = "databricks"
_TEXT_LIMIT = 500
_THREADS = 16
_ENTRA_SCOPE = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default"
# Where a token may go besides the workspace that the settings name.
_KNOWN_SUFFIXES = (
    ".azuredatabricks.net",
    ".databricks.azure.us",
    ".databricks.azure.cn",
    ".cloud.databricks.com",
    ".gcp.databricks.com",
)
Json = dict[str, Any]
Token = str | Callable[[], str]


class Workspaces:
    """Sends requests to workspaces, each in exactly one try and a bounded time.

    Args:
        default_host: The one the settings name, with its scheme.
        token: Static, or what gives it; ``None``: a token of Entra ID for each request.
        timeout_seconds: For connecting and for each read; a call takes twice that at most.
        refused: Told that the token was; ``True``: there is another one now.
    """

    def __init__(
        self,
        default_host: str | None,
        token: Token | None,
        *,
        timeout_seconds: float,
        refused: Callable[[], bool] = bool,
    ) -> None:
        self._default_host = default_host
        self._timeout_seconds = timeout_seconds
        self._refused = refused
        self._bearer: Callable[[], str] = _EntraToken()
        if token:
            self._bearer = partial(str, token) if isinstance(token, str) else token
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="databricks")
        self._clients: dict[str, _Client] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def read(self, scope: str, asked: str, path: str, **query: object) -> Json:
        """GET ``path``.

        Raises:
            Transient: worth asking again.
            Refused: asking again will not help.
        """
        return await self._call(scope, asked, "GET", path, query=query, changes=False)

    async def ask(self, scope: str, asked: str, path: str, body: Mapping[str, object]) -> Json:
        """POST a question that changes nothing; raises as :meth:`read` does."""
        return await self._call(scope, asked, "POST", path, body=body, changes=False)

    async def change(self, scope: str, asked: str, path: str, body: Mapping[str, object]) -> Json:
        """POST something that must not be repeated.

        Raises:
            Transient: it was never sent, or turned away before anything happened.
            Refused: turned away for good.
            OutcomeUnknown: everything else.
        """
        return await self._call(scope, asked, "POST", path, body=body, changes=True)

    async def _call(  # noqa: PLR0913  one HTTP request
        self,
        scope: str,
        asked: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        changes: bool,
    ) -> Json:
        host = self._host(scope)
        used = {key: value for key, value in (query or {}).items() if value is not None}
        work = partial(self._send, host, asked, method, path, used, body, changes)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(2 * self._timeout_seconds):
                return await loop.run_in_executor(self._threads, work)
        except TimeoutError as error:
            kind = OutcomeUnknown if changes else Transient
            raise kind(SYSTEM, f"{asked}: no answer in time") from error

    def _send(  # noqa: PLR0913, PLR0917  one HTTP request
        self,
        host: str,
        asked: str,
        method: str,
        path: str,
        query: Json,
        body: Mapping[str, object] | None,
        changes: bool,
    ) -> Json:
        client = self._client(host, asked)
        with _meaning(asked, client, changes=changes):
            try:
                answer = client.do(method, path, query, body)
            except Exception:
                # Nothing has happened yet, and the token may have been rotated.
                if client.answered.status != 401 or not self._refused():
                    raise
                answer = client.do(method, path, query, body)
            if not isinstance(answer, dict):
                raise TypeError("the answer is no JSON object")
            return answer
        raise AssertionError("unreachable")  # pragma: no cover

    def _host(self, scope: str) -> str:
        """Return the address of a workspace that may have our token.

        Raises:
            Refused: it may not, or there is none.
        """
        named = scope.strip().rstrip("/") or (self._default_host or "")
        url = named if "://" in named else f"https://{named}"
        default = self._default_host or ""
        if default and urlsplit(url).netloc.casefold() == urlsplit(default).netloc.casefold():
            return default.rstrip("/")
        parts = urlsplit(url)
        known = (parts.hostname or "").casefold().endswith(_KNOWN_SUFFIXES)
        if parts.scheme == "https" and known and parts.port in {None, 443} and not parts.username:
            return f"https://{parts.hostname}"
        raise Refused(
            SYSTEM,
            f"{named!r} is no workspace that Mend sends its token to: set MEND_DATABRICKS_HOST "
            "to its https address",
        )

    def _client(self, host: str, asked: str) -> "_Client":
        with self._lock:
            if host not in self._clients:
                try:
                    self._clients[host] = _Client(host, self._bearer, self._timeout_seconds)
                except Exception as error:
                    raise Transient(SYSTEM, f"{asked}: {_said(error)}") from error
            return self._clients[host]


class OneTryOnly(Exception):
    """The SDK wanted to try again."""


class _Client:
    """The SDK's client of one workspace, kept from everything but one request per call."""

    def __init__(self, host: str, bearer: Callable[[], str], timeout_seconds: float) -> None:
        from databricks.sdk.clock import Clock
        from databricks.sdk.core import ApiClient, Config
        from databricks.sdk.credentials_provider import CredentialsStrategy

        # Filled in on first use, from the class it is first used on: it must be this one.
        Config.attributes()

        class OneTry(Clock):
            def time(self) -> float:
                return time.time()

            def sleep(self, seconds: float) -> None:
                raise OneTryOnly(f"not in {seconds:.0f} s, and not at all")

        class Quiet(Config):
            # A best-effort request for things we do not need, repeated for as long as the
            # host is dead.
            def _resolve_host_metadata(self) -> None:
                pass

        class Bearer(CredentialsStrategy):
            def auth_type(self) -> str:
                return "mend"

            def __call__(self, _config: Config) -> Callable[[], dict[str, str]]:
                return lambda: {"Authorization": f"Bearer {bearer()}"}

        config = Quiet(
            host=host,
            auth_type="mend",
            credentials_strategy=Bearer(),
            clock=OneTry(),
            http_timeout_seconds=timeout_seconds,
            retry_timeout_seconds=3600,  # never reached; a short one could end the call itself
        )
        self._api = ApiClient(config)
        self.answered = threading.local()
        session = self._api._api_client._session  # noqa: SLF001  the SDK has no door to it
        session.max_redirects = 0
        session.trust_env = not _is_loopback(host)
        session.hooks["response"].append(self._note)

    def do(self, method: str, path: str, query: Json, body: Mapping[str, object] | None) -> object:
        """Send one request and return the parsed answer."""
        self.answered.status = self.answered.retry_after = None
        # A fresh connection each time: on a kept one that the other side has just closed, a
        # POST ends as "unknown" although it never arrived.
        headers = {"Connection": "close"}
        given = None if body is None else dict(body)
        return self._api.do(method, path, query=query or None, headers=headers, body=given)

    def _note(self, response: Any, *_args: object, **_more: object) -> None:
        self.answered.status = response.status_code
        self.answered.retry_after = response.headers.get("Retry-After")


class _EntraToken:
    """Bearer tokens of Entra ID; the credential keeps them until they expire."""

    def __init__(self) -> None:
        self._credential: Any = None
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            if self._credential is None:
                self._credential = credential()
        return str(self._credential.get_token(_ENTRA_SCOPE).token)


@contextmanager
def _meaning(asked: str, client: _Client, *, changes: bool) -> Iterator[None]:
    """Translate what the SDK, requests and azure-identity raise."""
    try:
        yield
    except ConnectorError:
        raise
    except Exception as error:
        first = error.__context__ if isinstance(error, OneTryOnly) else error
        raise _verdict(asked, first or error, client.answered, changes=changes) from error


def _verdict(asked: str, error: BaseException, answered: Any, *, changes: bool) -> ConnectorError:
    status: int | None = answered.status
    said = f"{asked}: {_said(error)}"
    if status is None or status < 400:
        if _never_left(error) or not changes:
            return Transient(SYSTEM, said)
        return OutcomeUnknown(SYSTEM, said)
    wait = retry_after_seconds(answered.retry_after, now=datetime.now(UTC))
    if status == 429 or (status == 409 and wait is not None):
        return Transient(SYSTEM, said, status=status, retry_after_seconds=wait)
    if status == 408 or status >= 500:  # a gateway answers 5xx also after passing it on
        kind = OutcomeUnknown if changes else Transient
        return kind(SYSTEM, said, status=status)
    return Refused(SYSTEM, said, status=status)


def _never_left(error: BaseException) -> bool:
    """Tell whether the request provably failed while connecting, or before."""
    import requests
    from azure.core.exceptions import AzureError
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError, AzureError)):
        return True
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return redact(f"{type(error).__name__}: {text}")[:_TEXT_LIMIT]


def _is_loopback(host: str) -> bool:
    name = urlsplit(host).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
