"""Messages in words of our own, of every kind of cause: what is known beyond the signatures.

The rows were written without looking at the signatures and labelled by hand. Half of
those up to p190 and all from p201 on were scored once before anything was changed for
them; see ``docs/diagnosis.md`` for these figures. What is asserted here keeps it so.
"""

from collections import Counter
from pathlib import Path

import pytest

from bench.corpus import read_corpus
from bench.evaluate import judged
from bench.scores import Scores, scores
from shared.domain.analysis import Action, Category

ROWS = read_corpus(Path(__file__).with_name("paraphrases.jsonl"))


@pytest.fixture(scope="module")
def result() -> Scores:
    """Return the scores of all rows."""
    return scores(comparison for _, comparison in judged(ROWS))


def test_all_kinds_of_causes_are_there() -> None:
    """A kind without rows would be right by definition."""
    counts = Counter(row.category for row in ROWS)

    assert len(ROWS) >= 150
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert len({(row.message, row.error_code) for row in ROWS}) == len(ROWS)
    assert set(counts) == set(Category)
    assert min(counts.values()) >= 6
    assert {row.best_action for row in ROWS} <= set(Action)
    assert {row.retryable for row in ROWS} == {"true", "false", "unclear"}


def test_causes_are_recognised(result: Scores) -> None:
    """On average over all kinds, and none of them is lost."""
    assert result.macro_f1 is not None
    assert result.macro_f1 >= 0.85
    assert min(line.f1 for line in result.categories) >= 0.6
    assert result.action_accuracy is not None
    assert result.action_accuracy >= 0.85


def test_nothing_unsafe_is_suggested(result: Scores) -> None:
    """At most one in a hundred to a person, and none without one."""
    assert result.unsafe_rate is not None
    assert result.unsafe_rate <= 0.01
    assert result.unattended_unsafe_rate == 0


def test_who_is_sure_is_right(result: Scores) -> None:
    """From the threshold for acting alone on, nineteen in twenty."""
    sure = [bin_ for bin_ in result.reliability if bin_.low >= 0.8]

    right = sum(bin_.accuracy * bin_.rows for bin_ in sure)
    assert right / sum(bin_.rows for bin_ in sure) >= 0.95
