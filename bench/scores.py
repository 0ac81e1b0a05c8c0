"""How good predictions are, as numbers. Pure: labels and predictions in, figures out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NOT_AUTOMATIC = frozenset({"escalate", "none"})
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A prediction beside its labels; a label is ``None`` where nobody gave one."""

    id: str
    category: str | None
    retryable: str
    action: str
    confidence: float
    unattended: bool  # fit to run without a person, and sure enough for that
    true_category: str | None = None
    true_retryable: str | None = None
    true_action: str | None = None


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """Precision, recall and F1 of one category, fractions 0-1."""

    category: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose confidence lies in ``[low, high)``, their mean confidence and share right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All figures, fractions 0-1; ``None`` where no row has the label.

    ``micro_f1`` counts every row alike, ``macro_f1`` every category.
    ``unsafe``: an action is suggested where the label says escalate or none; the
    rate is over the rows so labelled. ``abstain``: no category is named. The
    calibration error is over rows that name a category.
    """

    labelled: int
    macro_f1: float | None
    micro_f1: float | None
    category_accuracy: float | None
    retryable_accuracy: float | None
    action_accuracy: float | None
    abstain_rate: float | None
    unsafe_rate: float | None
    unsafe_ids: tuple[str, ...]
    unattended_unsafe_rate: float | None
    calibration_error: float | None
    categories: tuple[CategoryScore, ...]
    reliability: tuple[Bin, ...]


def scores(judged: Iterable[Judged]) -> Scores:
    """Return the figures over all rows that have at least one label."""
    rows = list(judged)
    with_category = [row for row in rows if row.true_category is not None]
    with_action = [row for row in rows if row.true_action is not None]
    passive = [row for row in with_action if row.true_action in NOT_AUTOMATIC]
    unsafe = [row for row in passive if row.action not in NOT_AUTOMATIC]
    categories = _by_category(with_category)
    reliability = _reliability([row for row in with_category if row.category is not None])
    return Scores(
        labelled=sum(_is_labelled(row) for row in rows),
        macro_f1=_mean([line.f1 for line in categories]),
        micro_f1=_micro_f1(with_category),
        category_accuracy=_share(row.category == row.true_category for row in with_category),
        retryable_accuracy=_share(
            row.retryable == row.true_retryable for row in rows if row.true_retryable is not None
        ),
        action_accuracy=_share(row.action == row.true_action for row in with_action),
        abstain_rate=_share(row.category is None for row in with_category),
        unsafe_rate=_share(row in unsafe for row in passive),
        unsafe_ids=tuple(row.id for row in unsafe),
        unattended_unsafe_rate=_share(row in unsafe and row.unattended for row in passive),
        calibration_error=_calibration_error(reliability),
        categories=categories,
        reliability=reliability,
    )


def _is_labelled(row: Judged) -> bool:
    return any((row.true_category, row.true_retryable, row.true_action))


def _by_category(rows: Sequence[Judged]) -> tuple[CategoryScore, ...]:
    names = sorted({row.true_category for row in rows if row.true_category is not None})
    return tuple(_category_score(name, rows) for name in names)


def _category_score(name: str, rows: Sequence[Judged]) -> CategoryScore:
    labelled = sum(row.true_category == name for row in rows)
    predicted = sum(row.category == name for row in rows)
    right = sum(row.category == row.true_category == name for row in rows)
    precision = right / predicted if predicted else 0.0
    recall = right / labelled
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return CategoryScore(name, labelled, precision, recall, f1)


def _micro_f1(rows: Sequence[Judged]) -> float | None:
    """Return 2 right / (named + labelled): a row without a verdict costs recall only."""
    named = sum(row.category is not None for row in rows)
    right = sum(row.category == row.true_category for row in rows)
    return 2 * right / (named + len(rows)) if rows else None


def _reliability(rows: Sequence[Judged]) -> tuple[Bin, ...]:
    by_bin: dict[int, list[Judged]] = {}
    for row in rows:
        by_bin.setdefault(min(int(row.confidence * _BINS), _BINS - 1), []).append(row)
    return tuple(
        Bin(
            low=number / _BINS,
            high=(number + 1) / _BINS,
            rows=len(members),
            confidence=sum(row.confidence for row in members) / len(members),
            accuracy=sum(row.category == row.true_category for row in members) / len(members),
        )
        for number, members in sorted(by_bin.items())
    )


def _calibration_error(bins: Sequence[Bin]) -> float | None:
    total = sum(bin_.rows for bin_ in bins)
    if not total:
        return None
    return sum(bin_.rows * abs(bin_.accuracy - bin_.confidence) for bin_ in bins) / total


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that ``share`` percent of ``values`` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def _share(flags: Iterable[bool]) -> float | None:
    return _mean([float(flag) for flag in flags])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
