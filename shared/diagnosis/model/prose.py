"""A model's words made fit for people: text only, nothing to click, nothing that renders."""

import re

from shared.diagnosis.reading import printable
from shared.diagnosis.redact import MARK, redact

_MAX_READ_CHARS = 4_000
LINK = "(link)"
_LINKS = (
    re.compile(r"[a-z][a-z0-9+.-]{0,19}://\S*", re.IGNORECASE),
    re.compile(r"\b(?:mailto|javascript|data|tel|file|vbscript):\S+", re.IGNORECASE),
    re.compile(r"\bwww\.\S+", re.IGNORECASE),
    re.compile(r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}[/?#]\S*"),
    re.compile(r"(?<!\S)//\S+"),
)
# What Markdown, HTML and chat programs make something of.
_MARKUP = str.maketrans(dict.fromkeys("<>[]`*|#~\\{}", " "))


def prose(text: str, limit: int) -> str:
    """Return ``text`` on one line of at most ``limit`` characters.

    Without links, markup, invisible characters and secrets.
    """
    line = " ".join(printable(text[:_MAX_READ_CHARS]).split())
    for pattern in _LINKS:
        line = pattern.sub(LINK, line)
    line = MARK.join(part.translate(_MARKUP) for part in redact(line).split(MARK))
    # Once more: without its markup a text may say what it hid before.
    line = " ".join(redact(line).split())
    for pattern in _LINKS:
        line = pattern.sub(LINK, line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
