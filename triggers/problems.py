"""Exceptions become RFC 9457 problem documents here, and nowhere else."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.domain.errors import Forbidden, InvalidInput, MendError, Unauthenticated
from triggers.access import admit, asking, shows_token

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5

Handler = Callable[..., Awaitable[func.HttpResponse]]


def answers_problems(handler: Handler) -> Handler:
    """Let in who may call ``handler``, and answer every failure with a problem document."""

    @wraps(handler)
    async def wrapped(*args: Any, **kwargs: Any) -> func.HttpResponse:
        try:
            request: func.HttpRequest = kwargs["req"] if "req" in kwargs else args[0]
            _refuse_other_sites(request)
            with asking(await admit(handler, request)):
                return await handler(*args, **kwargs)
        except MendError as error:
            if error.http_status >= 500:
                logger.exception("request failed", extra={"code": error.code})
            return problem(error)
        except Exception:  # process boundary: the caller gets no stack trace, the log does
            logger.exception("request failed", extra={"code": MendError.code})
            return problem(MendError("something went wrong here; the log has the details"))

    return wrapped


def _refuse_other_sites(request: func.HttpRequest) -> None:
    """Refuse what a page of another site lets its visitor's browser send (CSRF).

    Browsers say so in ``Sec-Fetch-Site`` (W3C Fetch Metadata); other clients send no such header.
    A token is sent by a page that has it, never by the browser on its own.
    """
    if request.method in {"GET", "HEAD"}:
        return
    elsewhere = request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
    if elsewhere and not shows_token(request):
        raise Forbidden("this request comes from another site")


def as_problem(error: MendError) -> dict[str, object]:
    """Return the problem document of ``error``, as RFC 9457 has it."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.http_status).phrase,
        "status": error.http_status,
        "code": error.code,
        "detail": str(error),
    }
    if isinstance(error, InvalidInput):
        body["errors"] = [{"field": error.field, "detail": str(error)}]
    return body


def problem(error: MendError, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Return the answer that tells of ``error``."""
    headers = dict(headers or {})
    if error.http_status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return func.HttpResponse(
        json.dumps(as_problem(error)),
        status_code=error.http_status,
        headers=headers,
        mimetype="application/problem+json",
    )


def answer(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> func.HttpResponse:
    """Return ``body`` as JSON."""
    return func.HttpResponse(
        json.dumps(body, ensure_ascii=False),
        status_code=status,
        headers=headers,
        mimetype="application/json",
    )
