"""What the workflow does with a request: it posts the card, or fails."""

from collections.abc import Mapping
from typing import cast

_MAX_BYTES = 28_000
_CARD = "application/vnd.microsoft.card.adaptive"


class NoCard(Exception):
    """The request holds no card that could be posted."""


class Channel:
    """The cards there are, oldest first."""

    def __init__(self) -> None:
        self.cards: list[Mapping[str, object]] = []

    def clear(self) -> None:
        """Be empty."""
        self.cards.clear()

    def post(self, body: object, size: int) -> int:
        """Post the card of a request and return its number.

        Raises:
            NoCard: there is none, or it is too large.
        """
        attachments = body.get("attachments") if isinstance(body, Mapping) else None
        if not isinstance(attachments, list) or len(attachments) != 1:
            raise NoCard("one attachment is needed")
        attachment = cast("Mapping[str, object]", attachments[0])
        card = attachment.get("content")
        if attachment.get("contentType") != _CARD or not isinstance(card, Mapping):
            raise NoCard("the attachment is no adaptive card")
        if card.get("type") != "AdaptiveCard" or not card.get("version") or not card.get("body"):
            raise NoCard("the card is not valid")
        if size > _MAX_BYTES:
            raise NoCard("the card is too large")
        self.cards.append(card)
        return len(self.cards)
