"""What an Azure management SDK's failure means for the caller.

azure-core's aiohttp transport reports a connection that broke *after* the
request was sent with the same class (``ServiceRequestError``) as one that was
never made (azure-core 1.41, ``transport/_aiohttp.py``). Only what provably
failed while connecting counts as "nothing happened".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestTimeoutError,
)

from shared.diagnosis.redact import redact
from shared.domain.errors import OutcomeUnknown, Refused, Transient

_MAX_RETRY_AFTER_SECONDS = 900.0
_TEXT_LIMIT = 500
_PASSES = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
# What the SDK raises at an answer whose body is not what it expects.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)


@contextmanager
def reading(system: str, asked: str) -> Iterator[None]:
    """Translate failures of a request that changes nothing.

    Raises:
        Transient: worth asking again.
        Refused: asking again will not help.
    """
    try:
        yield
    except ClientAuthenticationError as error:
        raise Refused(system, f"{asked}: {_said(error)}", status=401) from error
    except HttpResponseError as error:
        status = error.status_code
        if (
            status is not None
            and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            if status in _PASSES or _retry_after(error) is not None:
                raise Transient(
                    system,
                    f"{asked}: {_said(error)}",
                    status=status,
                    retry_after_seconds=_retry_after(error),
                ) from error
            raise Refused(system, f"{asked}: {_said(error)}", status=status) from error
        raise Transient(system, f"{asked}: {_said(error)}", status=status) from error
    except (AzureError, TimeoutError, *_UNREADABLE) as error:
        raise Transient(system, f"{asked}: {_said(error)}") from error


@contextmanager
def starting(system: str, asked: str) -> Iterator[None]:
    """Translate failures of a request that starts something and must not be repeated.

    Raises:
        Transient: it was never sent, or turned away before anything happened.
        Refused: turned away for good.
        OutcomeUnknown: everything else.
    """
    try:
        yield
    except OutcomeUnknown:
        raise
    except ClientAuthenticationError as error:
        raise Refused(system, f"{asked}: {_said(error)}", status=401) from error
    except HttpResponseError as error:
        raise _verdict_on_answer(system, asked, error) from error
    except (AzureError, TimeoutError) as error:
        if _never_left(error):
            raise Transient(system, f"{asked}: {_said(error)}") from error
        raise OutcomeUnknown(system, f"{asked}: {_said(error)}") from error
    except _UNREADABLE as error:
        raise OutcomeUnknown(system, f"{asked}: unreadable answer: {_said(error)}") from error


def _verdict_on_answer(
    system: str, asked: str, error: HttpResponseError
) -> Transient | Refused | OutcomeUnknown:
    status, said = error.status_code, f"{asked}: {_said(error)}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.CONFLICT and _retry_after(error) is not None
    ):
        wait = _retry_after(error)
        return Transient(system, said, status=status, retry_after_seconds=wait)
    if _is_client_error(status) and status != HTTPStatus.REQUEST_TIMEOUT:
        return Refused(system, said, status=status)
    # 5xx: a gateway answers 503 or 504 also after passing the request on.
    return OutcomeUnknown(system, said, status=status)


def _is_client_error(status: int | None) -> bool:
    return status is not None and 400 <= status < 500


def _never_left(error: Exception) -> bool:
    if isinstance(error, ServiceRequestTimeoutError):
        return True
    return isinstance(error.__cause__, aiohttp.ClientConnectorError)


def _retry_after(error: HttpResponseError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    return retry_after_seconds(headers.get("Retry-After"), now=datetime.now(UTC))


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """Return the wait a ``Retry-After`` header asks for (RFC 9110 §10.2.3), at most 15 minutes.

    Absent, negative or unreadable values give ``None``.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    if not 0 <= seconds < float("inf"):
        return None
    return min(seconds, _MAX_RETRY_AFTER_SECONDS)


def _said(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    code = getattr(getattr(error, "error", None), "code", None)
    text = redact(" ".join(str(error).split()))[:_TEXT_LIMIT]
    head = " ".join(str(part) for part in (f"HTTP {status}" if status else None, code) if part)
    return f"{head}: {text}" if head else f"{type(error).__name__}: {text}"
