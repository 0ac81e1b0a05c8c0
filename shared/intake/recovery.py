"""What can still be read of a JSON object that an unescaped text has broken.

Authors of Data Factory pipelines paste ``@{activity('x').error.message}`` between quotes,
and the message brings its own quotes, backslashes and line breaks. What stands before the
broken member is read as JSON; what stands after it is read backwards from the closing
brace, one simple member at a time, and stops at the first thing that is not one. Text in
between is never searched for fields: it is the message, and a message that contains
``"runId":"…"`` must not choose the run. Both readings look at each character a bounded
number of times.
"""

import json
import re
from dataclasses import dataclass, field

from shared.intake.body import NotJson, json_decoder, refuse_oddities
from shared.intake.fields import plain_name

_WHITE_SPACE = " \t\r\n"
_MAX_NESTING = 3  # {"error": {"details": {"message": …}}}
_OPENERS = {'"': '"', "}": "{", "]": "["}
_LONGEST_LITERAL = 100  # a number, true, false or null
# A WebHook activity's call-back address carries its own key: never kept, not even in a text.
_CALL_BACK = re.compile(r'"?call_?back_?uri\b.*', re.IGNORECASE | re.DOTALL)

# The members that free text comes in; only their remains are worth keeping.
_TEXTS = {"message", "errormessage", "error", "alertmessage", "description"}

_DECODER = json_decoder(raw_line_breaks=True)


@dataclass(slots=True)
class _Head:
    members: list[tuple[str, object]] = field(default_factory=list)
    broken_name: str = ""
    broken_at: int = 0  # where the broken value starts


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    value: object
    comma: int  # where the comma before it stands


def recover(text: str, error: NotJson) -> list[tuple[str, object]]:
    """Read what can be read of an object that is not JSON, in linear time.

    Args:
        text: What :func:`shared.intake.body.parse_text` refused.
        error: How it refused it.

    Returns:
        Names, which may repeat, and values. The text that broke the body is among them, as
        it was sent, if its name says that it is a text.

    Raises:
        NotJson: ``error`` again; there is no object in ``text``.
        InvalidInput: what was read would have been refused in correct JSON as well.
    """
    if not text.lstrip(_WHITE_SPACE).startswith("{"):
        raise error
    members = _read_broken(text.strip(_WHITE_SPACE), nesting=1)
    for name, value in members:
        refuse_oddities({name: value})
    return members


def _read_broken(text: str, *, nesting: int) -> list[tuple[str, object]]:
    head = _read_head(text)
    tail, end = _read_tail(text, head.broken_at)
    members = [*head.members, *((member.name, member.value) for member in reversed(tail))]
    name = head.broken_name
    remains = text[head.broken_at : end].strip(_WHITE_SPACE)
    if name and remains.startswith("{") and nesting < _MAX_NESTING:
        inner = _read_broken(remains, nesting=nesting + 1)
        members.append((name, dict(inner)))
    elif plain_name(name) in _TEXTS:
        kept = remains.removeprefix('"').removesuffix('"')
        members.append((name, _CALL_BACK.sub("", kept)))
    return members


def _read_head(text: str) -> _Head:
    """Read members from the opening brace up to the one that breaks the body."""
    head = _Head()
    starts: list[int] = []
    at = _skip(text, 1)
    while True:
        name, value_at = _read_name(text, at)
        if name is None:
            _blame_last(head, starts, text, at)
            return head
        value, end = _decode(text, value_at)
        end = _skip(text, end)
        if end == len(text) - 1 and text[end] == "}":
            # Nothing worse than raw line breaks, which the decoder takes, or a value left out.
            head.members.append((name, value))
            head.broken_at = end
            return head
        if text[end : end + 1] != ",":
            head.broken_name, head.broken_at = name, value_at
            return head
        head.members.append((name, value))
        starts.append(value_at)
        at = _skip(text, end + 1)


def _blame_last(head: _Head, starts: list[int], text: str, at: int) -> None:
    """No name where one should be: the value before it ended too early, unless `,}`."""
    if starts and text[at : at + 1] != "}":
        head.broken_name, _ = head.members.pop()
        head.broken_at = starts.pop()
    else:
        head.broken_at = at


def _read_name(text: str, at: int) -> tuple[str | None, int]:
    name, end = _decode(text, at)
    colon = _skip(text, end)
    if not isinstance(name, str) or text[colon : colon + 1] != ":":
        return None, at
    return name, _skip(text, colon + 1)


def _decode(text: str, at: int) -> tuple[object, int]:
    """Return the JSON value at ``at`` and where it ends; ``at`` itself if there is none."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        return None, at
    return value, end


def _read_tail(text: str, floor: int) -> tuple[list[_Member], int]:
    """Read members backwards from the closing brace, down to ``floor`` at most.

    Returns:
        The members, last one first, and where the first of them begins.
    """
    members: list[_Member] = []
    if not text.endswith("}"):
        return members, len(text)
    end = len(text) - 1
    while member := _read_member_before(text, end, floor):
        members.append(member)
        end = member.comma
    return members, end


def _read_member_before(text: str, end: int, floor: int) -> _Member | None:
    end = _skip_back(text, end, floor)
    start = _value_start(text, end, floor)
    value, value_end = _decode(text, start)
    if start == end or value_end != end:
        return None
    colon = _skip_back(text, start, floor) - 1
    if colon <= floor or text[colon] != ":":
        return None
    name_end = _skip_back(text, colon, floor)
    name_start = text.rfind('"', floor, max(name_end - 1, floor))
    if name_start < 0:
        return None
    name, decoded_end = _decode(text, name_start)
    if not isinstance(name, str) or decoded_end != name_end:
        return None
    comma = _skip_back(text, name_start, floor) - 1
    if comma < floor or text[comma] != ",":
        return None
    return _Member(name, value, comma)


def _value_start(text: str, end: int, floor: int) -> int:
    """Return where the value that ends at ``end`` may start; ``end`` if nowhere."""
    if end <= floor:
        return end
    opener = _OPENERS.get(text[end - 1])
    if opener is not None:
        start = text.rfind(opener, floor, end - 1)
    else:
        start = text.rfind(":", max(floor, end - _LONGEST_LITERAL), end) + 1
        start = _skip(text, start) if start else -1
    return start if start >= 0 else end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE_SPACE:
        at += 1
    return at


def _skip_back(text: str, at: int, floor: int) -> int:
    while at > floor and text[at - 1] in _WHITE_SPACE:
        at -= 1
    return at
