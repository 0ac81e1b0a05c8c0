"""Microsoft Teams: cards through a workflow's webhook.

Facts: Microsoft Learn, "Create incoming webhooks with Workflows": a message with one adaptive
card, 28 KB at most, answered 202; the URL's ``sig`` is the key. A card cannot be changed
afterwards, so there is one when a ticket opens, one when it needs a person and one at its end,
all under the same title. Text runs show no Markdown and make no links (Adaptive Cards, "TextRun").
"""

from collections.abc import Iterator

from shared.connectors.http_wire import checked, posting, session
from shared.domain.notification import Remembered
from shared.ports.notifications import Intend, News, Told
from shared.telling.phase import needs_own, phase_of
from shared.telling.picture import Line, Paint, Picture

_SYSTEM = "teams"
_COLOURS = {"✅": "Good", "🆘": "Attention", "⚠️": "Warning", "✋": "Warning"}


class Teams:
    """Implements :class:`~shared.ports.notifications.Notifier`.

    Args:
        url: Of the workflow, with its signature: a secret.
        paint: Makes the picture that is shown.
        local: The workflow is on this machine.
        timeout_seconds: For connecting and for the answer, each.
    """

    name = "teams"
    pause_seconds = 1.0

    def __init__(
        self, url: str, paint: Paint, *, local: bool = False, timeout_seconds: float = 8
    ) -> None:
        self._url = url
        self._paint = paint
        self._local = local
        self._timeout_seconds = timeout_seconds

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol. A card whose answer is lost is sent again."""
        _ = intend
        ticket, phase = news.ticket, phase_of(news.ticket)
        after = remembered.model_copy(
            update={"version": ticket.version, "seq": ticket.last_seq, "marks": {"phase": phase}}
        )
        if remembered.marks.get("phase") == phase:
            return Told(after)
        if not needs_own(ticket, news.parent) and not remembered.marks:
            return Told(after.model_copy(update={"marks": {}}))
        await self._post(self._paint(ticket))
        return Told(after, sent=True)

    async def _post(self, picture: Picture) -> None:
        content = "application/vnd.microsoft.card.adaptive"
        body = {
            "type": "message",
            "attachments": [
                {"contentType": content, "contentUrl": None, "content": card_of(picture)}
            ],
        }
        async with (
            posting(_SYSTEM, "card", changes=True),
            session(self._timeout_seconds, local=self._local) as client,
        ):
            answer = await client.post(self._url, json=body)
        checked(_SYSTEM, "card", answer, changes=True)


def card_of(picture: Picture) -> dict[str, object]:
    """Return the adaptive card of a ticket."""
    actions = [{"type": "Action.OpenUrl", "title": "Open the ticket", "url": picture.url}]
    if picture.request is not None and picture.request.url:
        actions.append({"type": "Action.OpenUrl", "title": "Decide", "url": picture.request.url})
    title = {
        "type": "TextRun",
        "text": f"{picture.mark} {picture.headline}",
        "size": "Large",
        "weight": "Bolder",
        "color": _COLOURS.get(picture.mark, "Default"),
    }
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": [title]}, *_blocks(picture.lines)],
        "actions": actions,
    }


def _blocks(lines: tuple[Line, ...]) -> Iterator[dict[str, object]]:
    for line in lines:
        runs = [
            {"type": "TextRun", "text": f"{line.label}: ", "weight": "Bolder"},
            {"type": "TextRun", "text": line.text},
        ]
        yield {"type": "RichTextBlock", "inlines": runs, "spacing": "Small"}
