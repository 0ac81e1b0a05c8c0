"""What of a model's diagnosis holds.

The model says category, action, confidence and words. Everything else comes from tables of ours:
which actions heal a category at all (what signatures of it do), the risk (always high: no
signature stands behind it, so that policy asks a person whatever its threshold), how often it is
worth trying, and that no alert is ever dismissed because a model says so.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar

from shared.diagnosis.diagnose import action_on
from shared.diagnosis.evidence import MAX_SHORT_CHARS, fitted
from shared.diagnosis.model.diagnosis import UNKNOWN, WireClaim, WireDiagnosis
from shared.diagnosis.model.prose import prose
from shared.diagnosis.model.question import read
from shared.diagnosis.reading import plain
from shared.diagnosis.signature import NEVER_AUTOMATIC, PASSIVE
from shared.diagnosis.signatures import SIGNATURES
from shared.domain.alert import Platform
from shared.domain.analysis import Action, Analysis, Category, Classification, Evidence, Risk
from shared.domain.errors import ModelUnavailable

MAX_CONFIDENCE = 0.79
"""What a model's word is worth at best: below the 0.8 from which Mend acts alone."""
RISK = Risk.HIGH
SURE_ENOUGH = 0.5
MAX_CLAIMS = 6
_MAX_RECOMMENDATIONS = 5
_MAX_SENTENCE = 240
_MAX_CAUSE = 300
_SHORTEST_QUOTE = 4
_NOTICE = "A language model suggests this; no known signature does. Read the evidence first."
UNSUPPORTED = "Not shown by the evidence"

_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement fit to show, and the pieces that show it; none: it is unsupported."""

    statement: str
    shown_by: tuple[str, ...]


def verdict(
    answer: str,
    sent: Sequence[Evidence],
    platform: Platform,
    catalogue: Collection[Action],
    before: Analysis,
) -> Analysis:
    """Return what is believed now.

    Args:
        answer: The model's, as it came.
        sent: The pieces it was shown.
        catalogue: The actions that exist on ``platform``.
        before: What rules came to. Where they lean to a cause that is never healed by trying
            again, the model explains and suggests nothing to do.

    Raises:
        ModelUnavailable: it is no answer to the question.
    """
    wire = read(WireDiagnosis, answer)
    category = _category(wire.category)
    action = _member(Action, wire.action)
    claims = [_checked(claim, sent) for claim in wire.claims[:MAX_CLAIMS]]
    supported = [claim for claim in claims if claim.shown_by]
    if not supported:
        category = None
    confidence = _confidence(wire.confidence, supported, claims) if category else 0.0
    sure = confidence >= SURE_ENOUGH
    free = sure and before.category not in NEVER_AUTOMATIC
    chosen = _action(action, category, platform, catalogue) if free else Action.ESCALATE
    cited = {piece_id for claim in supported for piece_id in claim.shown_by}
    return Analysis(
        classification=Classification.TRUE_POSITIVE if sure else Classification.UNCERTAIN,
        confidence=confidence,
        category=category,
        root_cause=prose(wire.root_cause, _MAX_CAUSE) if supported else before.root_cause,
        auto_remediable=chosen not in PASSIVE,
        action=chosen,
        risk=RISK,
        recommendations=_recommendations(wire, claims, before),
        evidence=_short(sent, cited),
        method="model",
        max_attempts=1,
    )


def healing(platform: Platform, category: Category) -> frozenset[Action]:
    """Return the actions that some signature of ``category`` takes by itself on ``platform``."""
    return _healing().get((platform, category), frozenset())


@cache
def _healing() -> dict[tuple[Platform, Category], frozenset[Action]]:
    table: dict[tuple[Platform, Category], set[Action]] = {}
    for signature in SIGNATURES:
        if not signature.auto or signature.category in NEVER_AUTOMATIC:
            continue
        for platform in signature.platforms:
            action = action_on(platform, signature.action)
            if action not in PASSIVE:
                table.setdefault((platform, signature.category), set()).add(action)
    return {key: frozenset(actions) for key, actions in table.items()}


def supports(quote: str, piece: Evidence) -> bool:
    """Tell whether ``quote`` is really in ``piece``, whatever its quotes, case and spaces."""
    wanted = plain(quote)
    letters = sum(character.isalnum() for character in wanted)
    return letters >= _SHORTEST_QUOTE and wanted in plain(piece.text)


def _category(word: str) -> Category | None:
    return None if word == UNKNOWN else _member(Category, word)


def _member(enum: type[_E], word: str) -> _E:
    try:
        return enum(word)
    except ValueError:
        raise ModelUnavailable(f"its {enum.__name__.lower()} is not in the list") from None


def _action(
    action: Action, category: Category | None, platform: Platform, catalogue: Collection[Action]
) -> Action:
    allowed = category is not None and action in healing(platform, category)
    return action if allowed and action in catalogue else Action.ESCALATE


def _confidence(said: float, supported: Sequence[Claim], claims: Sequence[Claim]) -> float:
    share = len(supported) / len(claims)
    return round(min(max(said, 0.0), MAX_CONFIDENCE) * share, 2)


def _checked(claim: WireClaim, sent: Sequence[Evidence]) -> Claim:
    cited = [piece for piece in sent if piece.id in claim.evidence_ids]
    showing = tuple(piece.id for piece in cited if supports(claim.quote, piece))
    return Claim(prose(claim.statement, _MAX_SENTENCE), showing)


def _recommendations(
    wire: WireDiagnosis, claims: Sequence[Claim], before: Analysis
) -> tuple[str, ...]:
    said = [
        f"{claim.statement} ({', '.join(claim.shown_by)})"
        if claim.shown_by
        else f"{UNSUPPORTED}: {claim.statement}"
        for claim in claims
        if claim.statement
    ]
    advice = [prose(text, _MAX_SENTENCE) for text in wire.recommendations[:_MAX_RECOMMENDATIONS]]
    signature = [f"Also seen: {before.signature}."] if before.signature else []
    return (_NOTICE, *said, *filter(None, advice), *signature)


def _short(sent: Sequence[Evidence], cited: Collection[str]) -> tuple[Evidence, ...]:
    """Return the cited pieces, and the innermost one in any case."""
    return tuple(
        piece.model_copy(update={"text": fitted(piece.text, MAX_SHORT_CHARS)})
        for number, piece in enumerate(sent)
        if number == 0 or piece.id in cited
    )
