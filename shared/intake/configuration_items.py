"""Which servers and other configuration items (CI) a text is about.

What is known by name (the inventory) is found wherever it is written; what only looks like a
server's name is taken from places that name one: a field of that meaning, or behind a word
such as "host".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import Field

from shared.domain.model import Model

MAX_ITEMS = 20
MAX_TEXT_CHARS = 16_000
MAX_NAME_CHARS = 260
MAX_INVENTORY = 5_000


class Where(StrEnum):
    """Where a name was read; the order is from sure to unsure."""

    METADATA = "metadata"
    SERVICE = "service"
    TEXT = "text"


class Item(Model):
    """One name. ``known``: the inventory has it; then ``name`` is spelt as there."""

    name: str
    where: Where
    known: bool


class InventoryItem(Model):
    """One thing that is known by name."""

    name: str = Field(min_length=2, max_length=MAX_NAME_CHARS)
    aliases: tuple[str, ...] = Field(default=(), max_length=20)


class Inventory(Model):
    """Everything that is known by name."""

    items: tuple[InventoryItem, ...] = Field(default=(), max_length=MAX_INVENTORY)

    def spellings(self) -> dict[str, str]:
        """Return each name and alias, case folded, and the name it stands for."""
        return {
            spelling.casefold(): item.name
            for item in self.items
            for spelling in (item.name, *item.aliases)
            if spelling.strip()
        }


# One name of DNS or NetBIOS: at least one letter, and a digit, dash or dot, as servers have.
_NAME = r"(?=[\w.-]{0,62}[a-z])(?=[\w.-]{0,62}[\d.-])[a-z0-9][\w-]{1,62}(?:\.[\w-]{1,63}){0,6}"
_BEHIND_A_WORD = re.compile(
    r"\b(?:servers?|hosts?|hostname|node|machine|vm|instance|computer|database server|"
    r"configuration item|ci)\s{0,3}(?:name)?\s{0,3}[:='\"(\[]{0,3}\s{0,3}"
    rf"({_NAME})(?![\w-])",
    re.IGNORECASE,
)
_CLOUD_HOST = re.compile(
    r"(?<![\w.-])([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.(?:[a-z0-9-]{1,63}\.){0,4}"
    r"(?:windows\.net|azuredatabricks\.net|azure\.com|internal|local|corp|lan))(?![\w.-])",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\w][\w.-]{1,259}")
# Words that stand where a name could, and are none.
_NO_NAMES = {"is-down", "not-found", "e.g", "i.e", "by-design", "read-only", "on-premises"}


def extract(
    *, metadata: Iterable[str] = (), service: str = "", text: str = "", inventory: Inventory
) -> tuple[Item, ...]:
    """Return the names, the surest first, each once, at most ``MAX_ITEMS``.

    Args:
        metadata: What fields of that meaning say (``ci``, ``host``, ``ci_association``, ...).
        service: The alert's service field: a name only if the inventory has it, or it looks so.
        text: Title and description; the first 16,000 characters are read.
    """
    spellings = inventory.spellings()
    found = _Found(spellings)
    for name in metadata:
        found.add(name, Where.METADATA)
    if service.casefold() in spellings or _looks_like_a_name(service):
        found.add(service, Where.SERVICE)
    for name in _in_text(text[:MAX_TEXT_CHARS], spellings):
        found.add(name, Where.TEXT)
    return tuple(found.items.values())


@dataclass(slots=True)
class _Found:
    spellings: dict[str, str]
    items: dict[str, Item] = field(default_factory=dict)

    def add(self, name: str, where: Where) -> None:
        name = name.strip().strip(".'\"()[]")[:MAX_NAME_CHARS]
        known = self.spellings.get(name.casefold())
        key = (known or name).casefold()
        if name and key not in self.items and len(self.items) < MAX_ITEMS:
            self.items[key] = Item(name=known or name, where=where, known=known is not None)


def _in_text(text: str, spellings: dict[str, str]) -> Iterator[str]:
    tokens = (match[0].rstrip(".-") for match in _TOKEN.finditer(text))
    yield from (token for token in tokens if token.casefold() in spellings)
    yield from _of_several_words(text, spellings)
    for pattern in (_CLOUD_HOST, _BEHIND_A_WORD):
        names = (match[1] for match in pattern.finditer(text))
        yield from (name for name in names if name.casefold().strip(".") not in _NO_NAMES)


def _of_several_words(text: str, spellings: dict[str, str]) -> list[str]:
    """Return known names with a space or another separator in them."""
    folded = text.casefold()
    return [
        spelling
        for spelling in spellings
        if not _TOKEN.fullmatch(spelling)
        and re.search(rf"(?<!\w){re.escape(spelling)}(?!\w)", folded)
    ]


def _looks_like_a_name(text: str) -> bool:
    return re.fullmatch(_NAME, text.strip(), re.IGNORECASE) is not None and any(
        character.isdigit() for character in text
    )
