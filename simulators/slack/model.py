"""Channels and what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from simulators.kit.clock import Clock

_MAX_BLOCKS = 50
_MAX_HEADER_CHARS = 150
_MAX_SECTION_CHARS = 3_000
_MAX_TEXT_CHARS = 40_000


class SlackError(Exception):
    """The method is refused; the text is Slack's own error code."""


@dataclass(slots=True)
class Message:
    """A message, or a reply if it has a ``thread_ts`` that is not its own."""

    channel: str
    ts: str
    text: str
    blocks: list[Mapping[str, object]]
    metadata: Mapping[str, object] | None
    thread_ts: str | None = None
    broadcast: bool = False
    edits: int = 0
    flags: dict[str, object] = field(default_factory=dict)

    def as_json(self, *, metadata: bool = True) -> dict[str, object]:
        """Return the message as the service shows it."""
        shown: dict[str, object] = {
            "type": "message",
            "ts": self.ts,
            "user": "U0MEND",
            "text": self.text,
            "blocks": self.blocks,
        }
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown


class Workspace:
    """Every channel there is: any that somebody names."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Be empty."""
        self.messages: list[Message] = []
        self.replies_to_clicks: list[object] = []
        self._last_micros = 0

    def post(self, body: Mapping[str, object]) -> Message:
        """Put a message into a channel or a thread.

        Raises:
            SlackError: it is not acceptable.
        """
        channel = self._channel(body)
        text, blocks = _content(body)
        thread = str(body.get("thread_ts") or "") or None
        if thread is not None and self._find(channel, thread) is None:
            raise SlackError("thread_not_found")
        metadata = body.get("metadata")
        message = Message(
            channel=channel,
            ts=self._next_ts(),
            text=text,
            blocks=blocks,
            metadata=metadata if isinstance(metadata, Mapping) else None,
            thread_ts=thread,
            broadcast=bool(body.get("reply_broadcast")),
            flags={
                name: body[name]
                for name in ("parse", "link_names", "unfurl_links", "unfurl_media")
                if name in body
            },
        )
        self.messages.append(message)
        return message

    def update(self, body: Mapping[str, object]) -> Message:
        """Change a message in place.

        Raises:
            SlackError: it is not there, or not acceptable.
        """
        message = self._find(self._channel(body), str(body.get("ts") or ""))
        if message is None:
            raise SlackError("message_not_found")
        message.text, message.blocks = _content(body)
        if isinstance(body.get("metadata"), Mapping):
            message.metadata = body["metadata"]  # type: ignore[assignment]
        message.edits += 1
        return message

    def history(self, channel: str, oldest: float) -> list[Message]:
        """Return what stands in the channel itself, newest first."""
        return [
            one
            for one in reversed(self.messages)
            if one.channel == channel
            and float(one.ts) > oldest
            and (one.thread_ts in {None, one.ts} or one.broadcast)
        ]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return a thread with the message it begins with, oldest first.

        Raises:
            SlackError: there is no such message.
        """
        if self._find(channel, ts) is None:
            raise SlackError("thread_not_found")
        return [
            one for one in self.messages if one.channel == channel and ts in {one.ts, one.thread_ts}
        ]

    def delete(self, ts: str) -> None:
        """Remove a message, as people can."""
        self.messages = [one for one in self.messages if one.ts != ts]

    def _find(self, channel: str, ts: str) -> Message | None:
        return next((m for m in self.messages if (m.channel, m.ts) == (channel, ts)), None)

    def _channel(self, body: Mapping[str, object]) -> str:
        named = str(body.get("channel") or "")
        if not named:
            raise SlackError("channel_not_found")
        if not named.startswith("#"):
            return named
        return "C" + sha256(named.encode()).hexdigest()[:9].upper()

    def _next_ts(self) -> str:
        micros = max(int(self._clock.now().timestamp() * 1_000_000), self._last_micros + 1)
        self._last_micros = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


def _content(body: Mapping[str, object]) -> tuple[str, list[Mapping[str, object]]]:
    text, blocks = str(body.get("text") or ""), body.get("blocks") or []
    if not isinstance(blocks, list) or len(blocks) > _MAX_BLOCKS:
        raise SlackError("invalid_blocks")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > _MAX_TEXT_CHARS:
        raise SlackError("msg_too_long")
    limits = {"header": _MAX_HEADER_CHARS, "section": _MAX_SECTION_CHARS}
    for block in blocks:
        shown = block.get("text") if isinstance(block, Mapping) else None
        if not isinstance(block, Mapping) or "type" not in block:
            raise SlackError("invalid_blocks")
        if block["type"] in limits and (
            not isinstance(shown, Mapping)
            or not 0 < len(str(shown.get("text", ""))) <= limits[str(block["type"])]
        ):
            raise SlackError("invalid_blocks")
    return text, blocks
