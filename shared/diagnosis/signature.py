"""What a signature is: one known cause, how it shows, and what it suggests."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from shared.domain.alert import Platform
from shared.domain.analysis import Action, Category, Risk

ANY_PLATFORM = (Platform.ADF, Platform.DATABRICKS, Platform.OTHER)

Phrase = str | tuple[str, ...]  # a tuple: all of them, in this order and near each other

Retryable = Literal["true", "once", "false", "unclear"]

# A rerun repeats these failures at best; at worst it loads data twice or fights a person.
NEVER_AUTOMATIC = frozenset(
    {
        Category.SCHEMA_DATA_QUALITY,
        Category.CODE_BUG,
        Category.AUTH_PERMISSION,
        Category.CONFIG_ERROR,
        Category.CANCELLED_BY_USER,
    }
)
PASSIVE = frozenset({Action.ESCALATE, Action.NONE})


class Tier(IntEnum):
    """How telling a match is; the larger always wins."""

    FAINT = 0  # ordinary words; those of one signature are counted, the most wins
    HINT = 1  # words that many failures use
    OUTER = 2  # the code of the activity or connector that noticed the failure
    TEXT = 3  # a phrase that belongs to this failure only
    INNER = 4  # the innermost code: it names the cause


# What a match of each tier can be worth at best, measured on labelled failures; a
# hint stays below any sensible threshold for acting without a person.
MAX_CONFIDENCE = {
    Tier.FAINT: 0.49,
    Tier.HINT: 0.7,
    Tier.OUTER: 0.85,
    Tier.TEXT: 0.9,
    Tier.INNER: 0.97,
}


def numbered(namespace: str, first: int, last: int) -> tuple[str, ...]:
    """Return the codes of a whole range that its vendor gave to one kind of error."""
    return tuple(f"{namespace}:{number}" for number in range(first, last + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A made-up error that shows the signature; the codes and key phrases are real."""

    message: str = ""
    code: str = ""
    platform: Platform | None = None  # None: the signature's first


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One known cause.

    It matches an error that carries one of ``codes`` or one of ``phrases`` and
    none of ``unless``. With ``within`` a phrase counts only beside one of those
    codes, and then as much as an inner code.

    Attributes:
        codes: Names as the product spells them, or ``adf:``/``sql:``/``http:``/
            ``run:`` and a number or word; see :mod:`shared.diagnosis.codes`.
        phrases: Lower-case text to find; compared after folding case, quotes and spaces.
        name_parts: Lower-case fragments to find in codes that no signature lists.
        retryable: ``once``: a second failure means that the cause is another one.
        action: Best action on the signature's own platform; ``diagnose`` translates it.
        auto: Whether the action may run without a person once policy agrees.
        confidence: Fraction 0-1: how often the category is right when this matches.
        dependent: The step did not fail itself; another one explains it.
        evidence_needed: What a person or a deeper look should read to be sure.
        why: Reason for category and action, for the next maintainer.
        source: Public page that defines the code.
    """

    id: str
    category: Category
    retryable: Retryable
    action: Action
    root_cause: str
    recommendations: tuple[str, ...]
    why: str
    source: str
    examples: tuple[Example, ...]
    confidence: float
    codes: tuple[str, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    within: tuple[str, ...] = ()
    name_parts: tuple[Phrase, ...] = ()
    code_tier: Tier = Tier.INNER
    phrase_tier: Tier = Tier.TEXT
    auto: bool = False
    risk: Risk = Risk.HIGH
    max_attempts: int | None = None
    min_wait_seconds: float = 0
    platforms: tuple[Platform, ...] = ANY_PLATFORM
    dependent: bool = False
    evidence_needed: tuple[str, ...] = ()
