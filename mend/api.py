"""The calls, and what can go wrong with them."""

import ipaddress
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

Body = dict[str, Any]
_TIMEOUT_SECONDS = 60.0


class Refused(Exception):
    """Mend said no, or did not answer; ``document`` is the problem document (RFC 9457)."""

    def __init__(self, document: Body) -> None:
        super().__init__(str(document.get("detail") or document.get("title") or "refused"))
        self.document = document


class Misused(Exception):
    """What was asked for makes no sense; nothing was sent."""


class Api:
    """One running Mend.

    Args:
        url: Without ``/api``.
        token: Sent as a bearer token; empty: none.

    Raises:
        Misused: the URL is none, or would carry the token in the clear over a network.
    """

    def __init__(self, url: str, token: str) -> None:
        local = _is_local(url)
        if token and not local and not url.startswith("https://"):
            raise Misused("a token is only sent over https, or to this machine")
        if not token.isascii() or not token.isprintable():
            raise Misused("this token has characters that no token has")
        try:
            self._http = httpx.Client(
                base_url=f"{url.rstrip('/')}/api/v1/",
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=_TIMEOUT_SECONDS,
                trust_env=not local,
            )
        except httpx.InvalidURL as error:
            raise Misused(f"{url!r} is no good URL: {error}") from None

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, *path: str, **params: str | int) -> Body:
        """Read something; see :meth:`_call`."""
        return self._call("GET", path, params=params)

    def post(self, *path: str, body: Mapping[str, object]) -> Body:
        """Ask for something; see :meth:`_call`."""
        return self._call("POST", path, json=body)

    def put(self, *path: str, body: Mapping[str, object]) -> Body:
        """Change a setting; see :meth:`_call`."""
        return self._call("PUT", path, json=body)

    def events(self, ticket_id: str) -> Iterator[Body]:
        """Yield the whole timeline of a ticket, oldest first."""
        after = 0
        while items := self.get("tickets", ticket_id, "events", after=after, limit=200)["items"]:
            yield from items
            after = items[-1]["seq"]

    def _call(self, method: str, path: tuple[str, ...], **sent: Any) -> Body:
        """Return the answer, a JSON object.

        Raises:
            Refused: with the problem document, ours or one about the connection.
            Misused: there are characters in it that cannot be sent.
        """
        try:
            where = "/".join(quote(part, safe="") for part in path)
            answer = self._http.request(method, where, **sent)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Refused(_problem(f"{self._http.base_url.host} does not answer: {why}")) from None
        except (httpx.InvalidURL, ValueError) as error:
            raise Misused(f"this cannot be sent: {error}") from None
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            text = f"HTTP {answer.status_code} with no JSON object: is this Mend?"
            raise Refused(_problem(text, answer.status_code))
        if not answer.is_success:
            raise Refused({**_problem("", answer.status_code), **body})
        return body


def _problem(detail: str, status: int = 0) -> Body:
    return {"title": "no good answer", "status": status, "code": "no_answer", "detail": detail}


def _is_local(url: str) -> bool:
    """Tell whether ``url`` is on this machine.

    Raises:
        Misused: it is no URL.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise Misused(f"{url!r} is no URL such as http://127.0.0.1:7071")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
