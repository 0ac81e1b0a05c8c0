"""Slack: one message per ticket, kept as the ticket is; what happens is told in its thread.

Facts: Slack's method references (chat.postMessage, chat.update, conversations.history,
conversations.replies) and "Rate limits" (one message a second per channel; 429 with Retry-After).
A message carries the ticket's id as metadata, by which one is found whose answer was lost.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.connectors.azure_wire import retry_after_seconds
from shared.connectors.slack_message import Block, blocks_of, digest, entry_blocks, escaped, text_of
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.event import Event
from shared.domain.notification import Remembered
from shared.domain.ticket import Ticket
from shared.ports.notifications import Intend, News, Told
from shared.telling.entries import entry_of, needs_person
from shared.telling.picture import Paint, Picture, clean

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

_SYSTEM = "slack"
_TICKET, _ENTRY = "mend_ticket", "mend_entry"
_PAGE, _MAX_PAGES = 200, 10
_SKEW = timedelta(minutes=1)
_DIED = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
_NOT_US = {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
# About the app or the channel, not about one message.
_FOR_ALL = {
    "access_denied", "account_inactive", "channel_not_found", "ekm_access_denied", "invalid_auth",
    "is_archived", "missing_scope", "no_permission", "not_authed", "not_in_channel",
    "org_login_required", "token_expired", "token_revoked", "restricted_action",
}  # fmt: skip
_logger = logging.getLogger(__name__)


class _Gone(Exception):
    """Somebody has deleted the message."""


class Slack:
    """Implements :class:`~shared.ports.notifications.Notifier`.

    Args:
        token: Of a bot with ``chat:write``, ``channels:history`` (``groups:history``) and
            ``metadata.message:read``.
        channel: Its id; a name will do, but then a message whose answer got lost is sent again.
        base_url: Of the Web API.
        paint: Makes the picture that is shown.
        local: The API is on this machine: no proxy is asked.
        timeout_seconds: For one call, in whole seconds.
    """

    name = "slack"
    pause_seconds = 1.0

    def __init__(
        self,
        token: str,
        channel: str,
        base_url: str,
        paint: Paint,
        *,
        local: bool = False,
        timeout_seconds: int = 8,
    ) -> None:
        self._token = token
        self._channel = channel
        self._base_url = base_url
        self._paint = paint
        self._local = local
        self._timeout_seconds = timeout_seconds

    async def reach(self) -> str:
        """See :class:`~shared.ports.connections.Reachable`."""
        async with self._calling("auth.test", changes=False):
            answer = await self._client.auth_test()
            return f"it knows this app as {clean(answer.get('user') or 'a bot', 80)}"
        raise AssertionError("unreachable")  # pragma: no cover

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol."""
        ticket = news.ticket
        if ticket.parent_id and not remembered.message:
            return await self._tell_in_incident(news, remembered, intend)
        picture = self._paint(ticket)
        blocks = blocks_of(picture)
        marks: dict[str, object] = {"shown": digest(blocks)}
        if not remembered.message:
            return await self._begin(news, picture, blocks, remembered, intend)
        if remembered.marks != marks:
            return await self._update(picture, blocks, remembered, marks)
        return await self._go_on(news, remembered, intend)

    async def _begin(
        self,
        news: News,
        picture: Picture,
        blocks: list[Block],
        remembered: Remembered,
        intend: Intend,
    ) -> Told:
        ticket = news.ticket
        found = await self._find_message(ticket) if news.in_doubt else None
        if found is not None:
            return Told(remembered.model_copy(update=found))
        await intend()
        key = _payload(ticket, str(ticket.last_seq))
        metadata: dict[str, object] = {"event_type": _TICKET, "event_payload": key}
        where = await self._post(text_of(picture), blocks, metadata)
        shown = {**where, "marks": {"shown": digest(blocks)}}
        return Told(_up_to_date(remembered.model_copy(update=shown), news), sent=True)

    async def _go_on(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        ticket = news.ticket
        for event in news.events:
            entry = entry_of(event, ticket)
            # A child's own steps are the incident's detail: its message shows them.
            if entry is not None and not ticket.parent_id:
                sent = await self._reply_once(news, remembered, event, entry, intend)
                return Told(remembered.model_copy(update={"seq": event.seq}), sent=sent)
        if not news.all_events:
            return Told(remembered.model_copy(update={"seq": news.events[-1].seq}))
        return Told(_up_to_date(remembered, news))

    async def _update(
        self,
        picture: Picture,
        blocks: list[Block],
        remembered: Remembered,
        marks: dict[str, object],
    ) -> Told:
        try:
            async with self._calling("chat.update", changes=False):
                await self._client.chat_update(
                    channel=remembered.place or self._channel,
                    ts=remembered.message,
                    text=text_of(picture),
                    blocks=blocks,
                )
        except _Gone:
            # Posted anew by the next step.
            return Told(remembered.model_copy(update={"message": "", "marks": {}}))
        return Told(remembered.model_copy(update={"marks": marks}), sent=True)

    async def _tell_in_incident(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """Tell of a ticket that is part of an incident: at most two lines in its thread."""
        ticket, marks = news.ticket, remembered.marks
        if news.thread is None or not news.thread.message:
            return Told(remembered)
        step = "end" if ticket.status.is_final else "begin"
        if step in marks:
            return Told(_up_to_date(remembered, news))
        picture = self._paint(ticket)
        key = _payload(ticket, step)
        done = {**marks, step: True}
        after = _up_to_date(remembered.model_copy(update={"marks": done}), news)
        if news.in_doubt and await self._has_reply(news.thread, key):
            return Told(after)
        await intend()
        await self._reply(news.thread, f"{picture.mark} {picture.headline}", key, picture.url)
        return Told(after, sent=True)

    async def _reply_once(
        self, news: News, remembered: Remembered, event: Event, entry: str, intend: Intend
    ) -> bool:
        key = _payload(news.ticket, str(event.seq))
        if news.in_doubt and await self._has_reply(remembered, key):
            return False
        await intend()
        await self._reply(remembered, entry, key, broadcast=needs_person(event))
        return True

    async def _reply(
        self,
        thread: Remembered,
        entry: str,
        key: Mapping[str, str],
        url: str = "",
        *,
        broadcast: bool = False,
    ) -> None:
        blocks = entry_blocks(entry)
        if url:
            link: Block = {"type": "mrkdwn", "text": f"<{url}|{escaped(key['ticket_id'])}>"}
            blocks.append({"type": "context", "elements": [link]})
        metadata: dict[str, object] = {"event_type": _ENTRY, "event_payload": dict(key)}
        await self._post(escaped(entry), blocks, metadata, thread=thread, broadcast=broadcast)

    async def _post(
        self,
        text: str,
        blocks: list[Block],
        metadata: dict[str, object],
        *,
        thread: Remembered | None = None,
        broadcast: bool = False,
    ) -> dict[str, object]:
        async with self._calling("chat.postMessage", changes=True):
            answer = await self._client.chat_postMessage(
                channel=(thread.place if thread else "") or self._channel,
                text=text,
                blocks=blocks,
                metadata=metadata,
                thread_ts=thread.message if thread else None,
                reply_broadcast=broadcast or None,
                parse="none",
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
            )
            return {"message": str(answer["ts"]), "place": str(answer["channel"])}

    async def _find_message(self, ticket: Ticket) -> dict[str, object] | None:
        """Return where the ticket's message is, if there is one."""
        asked = {
            "channel": self._channel,
            "oldest": f"{(ticket.created_at - _SKEW).timestamp():.6f}",
        }
        async for message in self._pages("conversations.history", asked):
            payload = _payload_in(message, _TICKET)
            if payload.get("ticket_id") == ticket.id:
                seq = str(payload.get("step", ""))
                return {
                    "message": str(message["ts"]),
                    "place": self._channel,
                    "seq": int(seq) if seq.isdecimal() else 0,
                    "marks": {},
                }
        return None

    async def _has_reply(self, thread: Remembered, key: Mapping[str, str]) -> bool:
        asked = {"channel": thread.place, "ts": thread.message}
        found = self._pages("conversations.replies", asked)
        return any([_payload_in(message, _ENTRY) == key async for message in found])

    async def _pages(self, method: str, asked: dict[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(_MAX_PAGES):
            async with self._calling(method, changes=False):
                answer = await self._client.api_call(
                    method,
                    http_verb="GET",
                    params={
                        **asked,
                        "limit": _PAGE,
                        "include_all_metadata": 1,
                        **({"cursor": cursor} if cursor else {}),
                    },
                )
                messages = [dict(one) for one in answer["messages"]]
                cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            for message in messages:
                yield message
            if not cursor:
                return

    @cached_property
    def _client(self) -> "AsyncWebClient":
        from slack_sdk.web.async_client import AsyncWebClient

        # Its log shows whole messages, and its own retries would send one twice.
        quiet = logging.getLogger("shared.connectors.slack.sdk")
        quiet.setLevel(logging.WARNING)
        client = AsyncWebClient(
            self._token,
            self._base_url,
            timeout=self._timeout_seconds,
            logger=quiet,
            retry_handlers=[],
        )
        if self._local:
            client.proxy = None
        return client

    @asynccontextmanager
    async def _calling(self, method: str, *, changes: bool) -> AsyncIterator[None]:
        """Translate what goes wrong; ``changes``: it would be seen if it were done twice."""
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackClientError

        unclear = OutcomeUnknown if changes else Transient
        try:
            yield
        except SlackApiError as error:
            raise self._meaning(method, error.response, changes=changes) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Transient(_SYSTEM, f"no connection: {type(error).__name__}") from None
        except (aiohttp.ClientError, SlackClientError, OSError, ValueError, TypeError) as error:
            said = f"{method}: no readable answer: {type(error).__name__}"
            raise unclear(_SYSTEM, said) from None

    def _meaning(self, method: str, response: object, *, changes: bool) -> Exception:
        status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
        data = getattr(response, "data", None)
        code = clean(data.get("error") or "", 80) if isinstance(data, Mapping) else ""
        said = f"{method}: {code or f'HTTP {status} without a readable body'}"
        if status == 429 or code in {"ratelimited", "rate_limited"}:
            wait = retry_after_seconds(_header(response), now=datetime.now(UTC))
            return Transient(_SYSTEM, said, status=429, retry_after_seconds=wait)
        if code in _GONE:
            return _Gone() if method == "chat.update" else Refused(_SYSTEM, said, status=404)
        if code in _FOR_ALL or status in {401, 403}:
            return Refused(_SYSTEM, said, status=401 if code in _NOT_US or status == 401 else 403)
        if not code or code in _DIED or status >= 500:
            return (OutcomeUnknown if changes else Transient)(_SYSTEM, said, status=status)
        return Refused(_SYSTEM, said, status=400)


def _up_to_date(remembered: Remembered, news: News) -> Remembered:
    ticket = news.ticket
    return remembered.model_copy(update={"version": ticket.version, "seq": ticket.last_seq})


def _payload(ticket: Ticket, step: str) -> dict[str, str]:
    return {"ticket_id": ticket.id, "step": step}


def _payload_in(message: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    metadata = message.get("metadata")
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != kind:
        return {}
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, Mapping) else {}


def _header(response: object) -> str | None:
    headers = getattr(response, "headers", None) or {}
    found = headers.get("Retry-After")
    return str(found) if found is not None else None
