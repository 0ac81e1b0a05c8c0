"""Untrusted text cut to a size and a form that can be searched in linear time."""

import unicodedata

# The outermost sentence opens a message and the innermost cause closes it; what
# lies between in a long one is stack trace.
HEAD_CHARS = 12_000
TAIL_CHARS = 12_000

_CUT = "\n[...]\n"
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "`": "'"})
_KEPT_CONTROLS = "\n\t"
# Cc: control, Cf: format (bidirectional overrides, zero-width), Cs: lone surrogates.
_UNWANTED = {"Cc", "Cf", "Cs"}


def bounded(text: str, head: int = HEAD_CHARS, tail: int = TAIL_CHARS) -> str:
    """Return ``text``, or its first ``head`` and last ``tail`` characters when it is longer."""
    if len(text) <= head + tail + len(_CUT):
        return text
    return text[:head] + _CUT + text[len(text) - tail :]


def printable(text: str) -> str:
    """Return ``text`` without control and invisible characters; newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    unwanted = {
        ord(char)
        for char in set(text)
        if char not in _KEPT_CONTROLS and unicodedata.category(char) in _UNWANTED
    }
    return text.translate(dict.fromkeys(unwanted))


def plain(text: str) -> str:
    """Return ``text`` as phrases are compared: one case, one kind of quote and of space."""
    unescaped = text.replace("\\n", " ").replace("\\r", " ").replace("\\t", " ")
    unescaped = unescaped.replace('\\"', '"').replace("\\'", "'")
    return " ".join(unescaped.translate(_QUOTES).casefold().split())
