"""Whether a phrase occurs in a text: substrings only, so the work is linear in the text."""

from collections.abc import Iterable

from shared.diagnosis.signature import Phrase

# Words further apart than a sentence belong to different statements.
MAX_GAP_CHARS = 200


def occurs(phrase: Phrase, prose: str) -> bool:
    """Tell whether ``phrase`` occurs; its parts in this order, each near the one before."""
    if isinstance(phrase, str):
        return phrase in prose
    first, *others = phrase
    at = prose.find(first)
    while at >= 0:
        begin = _follow(others, prose, at, len(first))
        if begin is None:
            return True
        at = prose.find(first, begin) if begin >= 0 else -1
    return False


def occurs_any(phrases: Iterable[Phrase], prose: str) -> bool:
    """Tell whether one of ``phrases`` occurs."""
    return any(occurs(phrase, prose) for phrase in phrases)


def parts_of(phrase: Phrase) -> tuple[str, ...]:
    """Return the parts of ``phrase``, one where it is a plain text."""
    return (phrase,) if isinstance(phrase, str) else phrase


def spelled(phrase: Phrase) -> str:
    """Return ``phrase`` as people read it."""
    return " ... ".join(parts_of(phrase))


def _follow(parts: Iterable[str], prose: str, at: int, length: int) -> int | None:
    """Return ``None`` if ``parts`` follow, else the next place to begin at, or -1 for none.

    A part that is too far away tells how far the beginning has to move at least: so no
    text makes this look at every beginning in turn.
    """
    reach = end = length
    end += at
    for part in parts:
        found = prose.find(part, end)
        if found < 0:
            return -1
        reach += MAX_GAP_CHARS
        if found > end + MAX_GAP_CHARS:
            return max(at + 1, found - reach)
        end = found + len(part)
        reach += len(part)
    return None


GRAM_CHARS = 4


def grams(prose: str) -> frozenset[str]:
    """Return every piece of four characters: a phrase without its pieces cannot occur."""
    return frozenset(prose[at : at + GRAM_CHARS] for at in range(len(prose) - GRAM_CHARS + 1))


def needed_grams(phrase: Phrase) -> frozenset[str]:
    """Return the first and the last piece of each part; a part has four characters at least."""
    return frozenset(
        piece for part in parts_of(phrase) for piece in (part[:GRAM_CHARS], part[-GRAM_CHARS:])
    )
