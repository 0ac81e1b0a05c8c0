"""What a measure means: enough rows, fresh enough, no keys twice; and never a guess."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from shared.policy.checks import MIN_EARLIER, CheckKind, DataCheck, judge, value_at

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ROWS = DataCheck(name="rows", kind=CheckKind.ROWS, output="Copy orders.rowsCopied")
FRESH = DataCheck(
    name="fresh", kind=CheckKind.FRESHNESS, sql="select max(at)", warehouse="w1", max_age_minutes=60
)
KEYS = DataCheck(name="keys", kind=CheckKind.DUPLICATES, sql="select count(*)", warehouse="w1")


@pytest.mark.parametrize(
    ("check", "value", "earlier", "holds"),
    [
        pytest.param(ROWS, 500, [1000, 900, 1100], True, id="half of the median"),
        pytest.param(ROWS, 499, [1000, 900, 1100], False, id="less than half"),
        pytest.param(ROWS, "499", [1000, 900, 1100], False, id="numbers may be text"),
        pytest.param(ROWS, 1, [1000, 900], True, id="too few to compare with"),
        pytest.param(ROWS, 0, [0, 0, 0], True, id="nothing, as ever"),
        pytest.param(ROWS, None, [1, 2, 3], None, id="no measure"),
        pytest.param(ROWS, True, [1, 2, 3], None, id="a truth is no number"),
        pytest.param(ROWS, "many", [1, 2, 3], None, id="a word is no number"),
        pytest.param(ROWS, "inf", [1, 2, 3], None, id="infinity is no number"),
        pytest.param(ROWS.model_copy(update={"at_least": 10}), 9, [], False, id="a fixed bound"),
        pytest.param(ROWS.model_copy(update={"at_least": 10}), 10, [], True, id="at the bound"),
        pytest.param(FRESH, "2026-11-20T02:00:00Z", [], True, id="an hour old"),
        pytest.param(FRESH, "2026-11-20T01:59:00", [], False, id="older; no zone is UTC"),
        pytest.param(FRESH, str(NOW.timestamp()), [], True, id="seconds since 1970"),
        pytest.param(FRESH, NOW.timestamp() * 1000 - 7_200_000, [], False, id="milliseconds"),
        pytest.param(FRESH, "yesterday", [], None, id="a word is no time"),
        pytest.param(FRESH, None, [], None, id="an empty table has no newest row"),
        pytest.param(KEYS, "0", [], True, id="no key twice"),
        pytest.param(KEYS, "1", [], False, id="one key twice"),
    ],
)
def test_judgement(
    check: DataCheck, value: JsonValue, earlier: list[float], holds: bool | None
) -> None:
    """Yes, no, or nobody can tell."""
    found = judge(check, value, earlier, NOW)

    assert found.holds is holds, found.text
    assert check.name in found.text


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_whatever_comes_it_is_judged(value: JsonValue) -> None:
    """Outputs are written by others."""
    for check in (ROWS, FRESH, KEYS):
        assert judge(check, value, [1.0] * MIN_EARLIER, NOW).holds in {True, False, None}


@pytest.mark.parametrize(
    ("output", "way", "found"),
    [
        ({"rowsCopied": 5}, "rowsCopied", 5),
        ({"firstRow": {"n": 7}}, "firstRow.n", 7),
        ({"value": [{"n": 1}, {"n": 2}]}, "value.1.n", 2),
        ('{"rows": 3}', "rows", 3),
        ('{"rows": ', "rows", None),
        ({"rows": 3}, "columns", None),
        ([1], "1", None),
        (None, "rows", None),
    ],
)
def test_the_way_into_an_output(output: JsonValue, way: str, found: JsonValue) -> None:
    """Names and positions; a notebook's text is opened; what is not there is nothing."""
    assert value_at(output, way) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "rows"},
        {"kind": "rows", "output": "a.b", "sql": "select 1", "warehouse": "w"},
        {"kind": "rows", "output": "no way"},
        {"kind": "rows", "sql": "select 1", "at_least": 1},
        {"kind": "rows", "sql": "select 1", "warehouse": "w"},
        {"kind": "freshness", "output": "a.b"},
    ],
)
def test_a_check_that_could_not_tell_anything_is_refused(wrong: dict[str, object]) -> None:
    """When it is written, not at three in the morning."""
    with pytest.raises(ValidationError):
        DataCheck.model_validate({"name": "x", **wrong})


def test_the_age_is_told() -> None:
    """People read it."""
    found = judge(FRESH, (NOW - timedelta(hours=2)).isoformat(), [], NOW)

    assert found.text == "fresh: the newest is 120 min old, 60 allowed"
