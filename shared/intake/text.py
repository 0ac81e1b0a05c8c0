"""Text that people will read: nothing invisible, nothing that turns a line around.

Secrets are not looked for here: redaction happens later, before anything is stored.
"""

import re
import unicodedata

_KEPT_CONTROLS = "\n\t"
_SPACE = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")


def one_line(text: str, limit: int) -> str:
    """Return ``text`` on one line, visible characters only, at most ``limit`` of them."""
    # Twice: a line break becomes a space, and so does what stood around a removed character.
    line = _SPACE.sub(" ", _visible(_SPACE.sub(" ", text))).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def many_lines(text: str, limit: int) -> str:
    """Return the first ``limit`` characters of ``text``, visible ones and line breaks only."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BLANK_LINES.sub("\n\n", _visible(unified)).strip()[:limit]


def has_invisible(text: str) -> bool:
    """Say whether ``text`` has control, format or surrogate characters."""
    return any(_is_invisible(character) for character in text)


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in _KEPT_CONTROLS or not _is_invisible(c))


def _is_invisible(character: str) -> bool:
    # Cc control, Cf format (zero-width and bidirectional: a name can look like another one),
    # Cs half a surrogate pair (cannot be stored), Zl and Zp line and paragraph separators.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
