"""A ticket in Slack's blocks.

Text from outside is escaped (Slack, "Formatting message text": ``&``, ``<`` and ``>``; a mention
is ``<!channel>``, a link ``<https://…>``), and ``verbatim`` keeps Slack from making links and
mentions of what is left (Block Kit reference, "Text object"). A header holds 150 characters, a
section 3000.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

from shared.telling.picture import Line, Picture, Request, Topic

Block = dict[str, object]
_SECTION_CHARS = 2_900
_HEADER_CHARS = 148
_TITLES = {
    Topic.WHAT: "",
    Topic.WHY: "🤖 *Analysis*",
    Topic.DONE: "🛠️ *Remediation*",
    Topic.END: "🏁 *End*",
}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Return ``text`` as Slack shows it literally."""
    return text.translate(_ESCAPES)


def blocks_of(picture: Picture) -> list[Block]:
    """Return the blocks of a ticket's message."""
    sections = [
        _section(lines, _TITLES[topic]) for topic in Topic if (lines := picture.about(topic))
    ]
    link = {"type": "mrkdwn", "text": f"<{picture.url}|{escaped(picture.ticket_id)}>"}
    header: Block = {
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": f"{picture.mark} {picture.headline}"[:_HEADER_CHARS],
            "emoji": False,
        },
    }
    asked = [_buttons(picture.request)] if picture.request else []
    return [header, *sections, *asked, {"type": "context", "elements": [link]}]


def text_of(picture: Picture) -> str:
    """Return what a notification shows of it."""
    return escaped(f"{picture.mark} {picture.headline}")


def entry_blocks(entry: str) -> list[Block]:
    """Return the blocks of a reply."""
    text = {"type": "mrkdwn", "text": _fitted([escaped(entry)]), "verbatim": True}
    return [{"type": "section", "text": text}]


def digest(blocks: Iterable[Mapping[str, object]]) -> str:
    """Return another text for every other message."""
    return sha256(json.dumps(list(blocks)).encode()).hexdigest()[:24]


def _section(lines: Iterable[Line], title: str) -> Block:
    told = [f"*{escaped(line.label)}:* {escaped(line.text)}" for line in lines]
    text = _fitted([title, *told] if title else told)
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _fitted(lines: Iterable[str]) -> str:
    """Return as many of the lines as there is room for: half an escape would be none."""
    kept: list[str] = []
    room = _SECTION_CHARS
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)


def _buttons(request: Request) -> Block:
    """Return buttons that carry an id and a link: who may decide is found out behind it."""

    def button(action: str, text: str, style: str) -> Block:
        shown: Block = {
            "type": "button",
            "action_id": action,
            "text": {"type": "plain_text", "text": text},
            "style": style,
            "value": request.id,
        }
        return shown | ({"url": request.url} if request.url else {})

    elements = [button("approve", "Approve", "primary"), button("reject", "Reject", "danger")]
    return {"type": "actions", "block_id": "approval", "elements": elements}
