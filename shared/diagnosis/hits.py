"""Which signatures one error shows, and how telling each match is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from shared.diagnosis.codes import codes_in
from shared.diagnosis.failure import FailureText
from shared.diagnosis.reading import bounded, plain
from shared.diagnosis.signature import MAX_CONFIDENCE, PASSIVE, Phrase, Signature, Tier
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform

# Words further apart than a sentence belong to different statements.
MAX_GAP_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One signature found in one text, and by what."""

    signature: Signature
    tier: Tier
    by: str
    evidence_id: str

    @property
    def confidence(self) -> float:
        """Fraction 0-1, bounded by how telling the match is."""
        return min(self.signature.confidence, MAX_CONFIDENCE[self.tier])

    @property
    def is_active(self) -> bool:
        """Tell whether it suggests to do something."""
        return self.signature.action not in PASSIVE

    @property
    def rank(self) -> tuple[float, ...]:
        """Larger is a better explanation of the same text."""
        return (self.tier, len(self.signature.within) > 0, self.confidence)


@cache
def known_names() -> frozenset[str]:
    """Return the folded names of all codes that some signature knows."""
    return frozenset(
        code.casefold()
        for signature in SIGNATURES
        for code in (*signature.codes, *signature.within)
    )


@cache
def _by_code() -> dict[str, tuple[Signature, ...]]:
    index: dict[str, list[Signature]] = {}
    for signature in SIGNATURES:
        for code in signature.codes:
            index.setdefault(code.casefold(), []).append(signature)
    return {code: tuple(found) for code, found in index.items()}


def hits_in(text: FailureText, platform: Platform) -> tuple[Hit, ...]:
    """Return every signature that ``text`` shows, best first; equals by id."""
    codes = codes_in(text.error_code, text.message, known_names())
    prose = plain(bounded(text.message))
    best: dict[str, Hit] = {}
    for hit in (
        *_code_hits(codes, text.evidence_id),
        *_name_hits(codes, text.evidence_id),
        *_phrase_hits(codes, prose, text.evidence_id),
    ):
        signature = hit.signature
        if platform not in signature.platforms or _occurs_any(signature.unless, prose):
            continue
        known = best.get(signature.id)
        if known is None or hit.tier > known.tier:
            best[signature.id] = hit
    return tuple(sorted(best.values(), key=best_first))


def best_first(hit: Hit) -> tuple[object, ...]:
    """Sort key: a tie goes to doing nothing, then to the name; never to the registry's order."""
    return (*(-part for part in hit.rank), hit.is_active, hit.signature.id)


def run_hit(run_status: str) -> Hit | None:
    """Return what the run's own status says by itself: it was cancelled, or it succeeded."""
    code = f"run:{run_status.strip().casefold()}"
    for signature in _by_code().get(code, ()):
        return Hit(signature, signature.code_tier, code, "")
    return None


def _code_hits(codes: frozenset[str], evidence_id: str) -> Iterator[Hit]:
    for code in sorted(codes):
        for signature in _by_code().get(code, ()):
            yield Hit(signature, signature.code_tier, code, evidence_id)


def _name_hits(codes: frozenset[str], evidence_id: str) -> Iterator[Hit]:
    for code in sorted(codes - known_names()):
        found = [
            (sum(map(len, _parts(fragment))), signature.id, signature)
            for signature in SIGNATURES
            for fragment in signature.name_parts
            if ":" not in code and _occurs(fragment, code)
        ]
        if found:
            # The longest fragment says most: "columnnotfound" is about columns.
            _, _, signature = max(found, key=lambda each: each[:2])
            tier = Tier.HINT if signature.action not in PASSIVE else Tier.OUTER
            yield Hit(signature, tier, code, evidence_id)


def _phrase_hits(codes: frozenset[str], prose: str, evidence_id: str) -> Iterator[Hit]:
    for signature in SIGNATURES:
        inside = codes.intersection(map(str.casefold, signature.within))
        if signature.within and not inside:
            continue
        phrase = next((each for each in signature.phrases if _occurs(each, prose)), None)
        if phrase is not None:
            tier = Tier.INNER if signature.within else signature.phrase_tier
            yield Hit(signature, tier, _spelled(phrase), evidence_id)


def _occurs(phrase: Phrase, prose: str) -> bool:
    """Tell whether ``phrase`` occurs; its parts in this order, each near the one before."""
    if isinstance(phrase, str):
        return phrase in prose
    first, *others = phrase
    at = prose.find(first)
    while at >= 0:
        if _follow(others, prose, at + len(first)):
            return True
        at = prose.find(first, at + 1)
    return False


def _follow(parts: Iterable[str], prose: str, end: int) -> bool:
    for part in parts:
        at = prose.find(part, end, end + MAX_GAP_CHARS + len(part))
        if at < 0:
            return False
        end = at + len(part)
    return True


def _parts(phrase: Phrase) -> tuple[str, ...]:
    return (phrase,) if isinstance(phrase, str) else phrase


def _occurs_any(phrases: Iterable[Phrase], prose: str) -> bool:
    return any(_occurs(phrase, prose) for phrase in phrases)


def _spelled(phrase: Phrase) -> str:
    return " ... ".join(_parts(phrase))
