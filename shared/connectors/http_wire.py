"""What an answer over plain HTTP means for somebody who tells people something."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.connectors.azure_wire import retry_after_seconds
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.telling.picture import clean

if TYPE_CHECKING:
    import httpx

_TEXT_CHARS = 200
MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""More than the longest page of issues that is asked for."""


def session(
    timeout_seconds: float, auth: tuple[str, str] | None = None, *, local: bool
) -> "httpx.AsyncClient":
    """Return a client that follows no redirects, to be used with ``async with``.

    An answer that is larger than any we wait for is not read to its end.

    Args:
        local: The other side is on this machine: no proxy is asked.
        timeout_seconds: For connecting and for the answer, each.
        auth: User and password for HTTP Basic.
    """
    import httpx

    # It logs every address at INFO, and some addresses are keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        timeout=timeout_seconds,
        trust_env=not local,
        auth=auth,
        headers={"Accept-Encoding": "identity"},  # packed, a small answer may be a large one
        event_hooks={"response": [_read_within_bounds]},
    )


async def _read_within_bounds(answer: "httpx.Response") -> None:
    """Read the body, and give up where it is no answer to anything we ask.

    Raises:
        httpx.DecodingError: it is too large, or packed, which we have not asked for.
    """
    import httpx

    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        await answer.aclose()
        raise httpx.DecodingError("packed")
    kept = bytearray()
    async for part in answer.aiter_bytes():
        kept += part
        if len(kept) > MAX_ANSWER_BYTES:
            await answer.aclose()
            raise httpx.DecodingError(f"more than {MAX_ANSWER_BYTES // 1024} kB")
    # What httpx itself keeps once a body was read: who asks for it later need not know.
    answer._content = bytes(kept)  # noqa: SLF001


@asynccontextmanager
async def posting(system: str, asked: str, *, changes: bool) -> AsyncIterator[None]:
    """Translate what goes wrong on the wire; no URL gets into a message.

    Args:
        changes: It would be seen if it were done twice.

    Raises:
        Transient: nothing happened, or nothing that matters.
        OutcomeUnknown: it may have happened.
    """
    import httpx

    unclear = OutcomeUnknown if changes else Transient
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Transient(system, f"{asked}: no connection: {type(error).__name__}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unclear(system, f"{asked}: no readable answer: {type(error).__name__}") from None
    except (ValueError, LookupError, TypeError) as error:
        raise unclear(system, f"{asked}: unexpected answer: {type(error).__name__}") from None


def checked(system: str, asked: str, answer: "httpx.Response", *, changes: bool) -> None:
    """Return if ``answer`` is 2xx.

    Raises:
        Transient: turned away for now.
        Refused: turned away for good.
        OutcomeUnknown: it may have happened all the same.
    """
    if answer.is_success:
        return
    status = answer.status_code
    said = f"{asked}: HTTP {status}: {_words(answer)}"
    if status == 429:
        wait = retry_after_seconds(answer.headers.get("Retry-After"), now=datetime.now(UTC))
        raise Transient(system, said, status=status, retry_after_seconds=wait)
    if status < 500 and status != 408:
        raise Refused(system, said, status=status)
    raise (OutcomeUnknown if changes else Transient)(system, said, status=status)


def _words(answer: "httpx.Response") -> str:
    """Return what was said, unless it is a page for browsers."""
    if "html" in answer.headers.get("Content-Type", ""):
        return "a page of HTML"
    return clean(answer.text[: 10 * _TEXT_CHARS], _TEXT_CHARS)
