"""An Azure Logic App with a Request trigger.

Its URL carries the signature (``sig``) that lets us start it, so it is a secret and shows
up in no message. The trigger has no idempotency key: two requests are two runs of the
workflow (Microsoft Learn, "Call, trigger, or nest logic apps by using Request triggers").
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from shared.connectors.azure_wire import retry_after_seconds
from shared.diagnosis.redact import redact
from shared.domain.errors import OutcomeUnknown, Refused, Transient

_SYSTEM = "logic_app"
_TEXT_LIMIT = 500
_TRY_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT}


class LogicAppTrigger:
    """Implements :class:`~shared.ports.logic_app.LogicApp`.

    Args:
        url: Of the trigger, with its signature.
        timeout_seconds: For connecting and for the answer.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 30) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds

    async def start(self, body: Mapping[str, object], *, tracking_id: str) -> str | None:
        """See the protocol."""
        import aiohttp

        limits = aiohttp.ClientTimeout(
            total=2 * self._timeout_seconds,
            sock_connect=self._timeout_seconds,
            sock_read=self._timeout_seconds,
        )
        headers = {"x-ms-client-tracking-id": tracking_id}
        # A fresh connection each time: on a kept one that the other side has just closed, a
        # POST ends as "unknown" although it never arrived.
        connector = aiohttp.TCPConnector(force_close=True)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limits) as session,
                session.post(
                    self._url, json=dict(body), headers=headers, allow_redirects=False
                ) as answer,
            ):
                text = (await answer.content.read(_TEXT_LIMIT)).decode(errors="replace")
                self._check(answer.status, answer.headers.get("Retry-After"), text)
                return answer.headers.get("x-ms-workflow-run-id")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Transient(_SYSTEM, f"no connection: {type(error).__name__}") from error
        except aiohttp.InvalidURL as error:
            raise Refused(_SYSTEM, "MEND_LOGIC_APP_URL is no URL") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise OutcomeUnknown(_SYSTEM, f"no readable answer: {type(error).__name__}") from error

    def _check(self, status: int, retry_after: str | None, text: str) -> None:
        """Raise what an answer other than 2xx means."""
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        said = redact(f"the trigger answered HTTP {status}: {' '.join(text.split())}")
        wait = retry_after_seconds(retry_after, now=datetime.now(UTC))
        if status == HTTPStatus.TOO_MANY_REQUESTS or (
            status == HTTPStatus.CONFLICT and wait is not None
        ):
            raise Transient(_SYSTEM, said, status=status, retry_after_seconds=wait)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
            raise Refused(_SYSTEM, said, status=status)
        # A gateway answers 5xx also after passing the request on.
        raise OutcomeUnknown(_SYSTEM, said, status=status)
