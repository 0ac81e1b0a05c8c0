"""Which signatures one error shows, and how telling each match is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.diagnosis.codes import codes_in, in_words
from shared.diagnosis.failure import FailureText
from shared.diagnosis.phrases import grams, needed_grams, occurs, occurs_any, parts_of, spelled
from shared.diagnosis.reading import bounded, plain
from shared.diagnosis.signature import MAX_CONFIDENCE, PASSIVE, Phrase, Signature, Tier
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform


@dataclass(frozen=True, slots=True)
class Hit:
    """One signature found in one text, and by what.

    ``votes`` is how many of the signature's phrases occur; only faint matches count them.
    """

    signature: Signature
    tier: Tier
    by: str
    evidence_id: str
    votes: int = 1

    @property
    def confidence(self) -> float:
        """Fraction 0-1, bounded by how telling the match is; not calibrated."""
        return min(self.signature.confidence, MAX_CONFIDENCE[self.tier])

    @property
    def is_active(self) -> bool:
        """Tell whether it suggests to do something."""
        return self.signature.action not in PASSIVE

    @property
    def rank(self) -> tuple[float, ...]:
        """Larger is a better explanation of the same text."""
        return (self.tier, len(self.signature.within) > 0, self.votes, self.confidence)


class Catalogue:
    """Signatures, prepared for being looked for. Immutable, and cheap to ask."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        """Index the signatures; their order decides nothing."""
        self.signatures = tuple(signatures)
        self.names = frozenset(
            code.casefold() for each in self.signatures for code in (*each.codes, *each.within)
        )
        """Folded names of all codes that some signature knows."""
        self._by_code: dict[str, list[Signature]] = {}
        for signature in self.signatures:
            for code in signature.codes:
                self._by_code.setdefault(code.casefold(), []).append(signature)
        self._fragments = tuple(
            (sum(map(len, parts_of(fragment))), signature.id, fragment, signature)
            for signature in self.signatures
            for fragment in signature.name_parts
        )
        self._spoken = tuple(
            (
                signature,
                frozenset(map(str.casefold, signature.within)),
                tuple((phrase, needed_grams(phrase)) for phrase in signature.phrases),
            )
            for signature in self.signatures
            if signature.phrases
        )

    def with_code(self, code: str) -> Iterable[Signature]:
        """Return the signatures that list a folded code."""
        return self._by_code.get(code, ())

    def named_like(self, code: str) -> Signature | None:
        """Return what the name of a code that nobody lists gives away."""
        if ":" in code:
            return None
        found = [each for each in self._fragments if occurs(each[2], code)]
        # The longest fragment says most: "columnnotfound" is about columns.
        return max(found, key=lambda each: each[:2])[3] if found else None

    def spoken_of(
        self, codes: frozenset[str], prose: str, whole: str
    ) -> Iterator[tuple[Signature, Phrase, int]]:
        """Return each signature whose phrases occur, the first of them and how many.

        Faint ones are looked for in ``whole``: ``prose`` and the words of an unknown name.
        """
        pieces = grams(whole)
        for signature, within, phrases in self._spoken:
            if within and not codes & within:
                continue
            faint = signature.phrase_tier is Tier.FAINT
            found = _occurring(phrases, whole if faint else prose, pieces)
            first = next(found, None)
            if first is not None:
                more = sum(1 for _ in found) if faint else 0
                yield signature, first, 1 + more


def _occurring(
    phrases: Iterable[tuple[Phrase, frozenset[str]]], text: str, pieces: frozenset[str]
) -> Iterator[Phrase]:
    return (each for each, needed in phrases if needed <= pieces and occurs(each, text))


ALL = Catalogue(SIGNATURES)


def known_names() -> frozenset[str]:
    """Return the folded names of all codes that some signature knows."""
    return ALL.names


def hits_in(text: FailureText, platform: Platform, catalogue: Catalogue = ALL) -> tuple[Hit, ...]:
    """Return every signature that ``text`` shows, best first; equals by id."""
    codes = codes_in(text.error_code, text.message, catalogue.names)
    # Spaces around it, so that stems can ask for the start of a word.
    prose = f" {plain(bounded(text.message))} "
    best: dict[str, Hit] = {}
    for hit in _hits(catalogue, codes, prose, text):
        signature = hit.signature
        if platform not in signature.platforms or occurs_any(signature.unless, prose):
            continue
        known = best.get(signature.id)
        if known is None or hit.tier > known.tier:
            best[signature.id] = hit
    return tuple(sorted(best.values(), key=best_first))


def best_first(hit: Hit) -> tuple[object, ...]:
    """Sort key: a tie goes to doing nothing, then to the name; never to the registry's order."""
    return (*(-part for part in hit.rank), hit.is_active, hit.signature.id)


def run_hit(run_status: str, catalogue: Catalogue = ALL) -> Hit | None:
    """Return what the run's own status says by itself: it was cancelled, or it succeeded."""
    code = f"run:{run_status.strip().casefold()}"
    for signature in catalogue.with_code(code):
        return Hit(signature, signature.code_tier, code, "")
    return None


def _hits(
    catalogue: Catalogue, codes: frozenset[str], prose: str, text: FailureText
) -> Iterator[Hit]:
    evidence_id = text.evidence_id
    for code in sorted(codes):
        for signature in catalogue.with_code(code):
            yield Hit(signature, signature.code_tier, code, evidence_id)
    for code in sorted(codes - catalogue.names):
        named = catalogue.named_like(code)
        if named is not None:
            tier = Tier.HINT if named.action not in PASSIVE else Tier.OUTER
            yield Hit(named, tier, code, evidence_id)
    known = text.error_code.casefold() in catalogue.names
    name = "" if known else f"{plain(in_words(text.error_code))} "
    for signature, phrase, votes in catalogue.spoken_of(codes, prose, prose + name):
        tier = Tier.INNER if signature.within else signature.phrase_tier
        yield Hit(signature, tier, spelled(phrase), evidence_id, votes)
