"""Paths into a sender's body, and the mapping made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.intake.fields import Found
from shared.intake.mapping import (
    MAX_PATH_CHARS,
    MAX_PATH_DEPTH,
    GenericMapping,
    Step,
    follow,
    format_path,
    parse_path,
)
from tests.unit.intake.bodies import QUICK, values

paths = st.text(st.sampled_from("ab.[]'\"\\$*0129- \n") | st.characters(), max_size=30)
steps = st.lists(
    st.text(max_size=8) | st.integers(0, 9_999) | st.sampled_from(["a b", "'", "\\", "]", ""]),
    max_size=MAX_PATH_DEPTH,
).map(tuple)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$", ()),
        ("a", ("a",)),
        ("$.a", ("a",)),
        ("a.b", ("a", "b")),
        ("$.a.b[0].c", ("a", "b", 0, "c")),
        ("[0].a", (0, "a")),
        ("$[12][3]", (12, 3)),
        ("$['strange key']", ("strange key",)),
        ('["strange key"].b', ("strange key", "b")),
        (r"$['it\'s']['a\\b']", ("it's", "a\\b")),
        ("$['']", ("",)),
        ("labels.app-name", ("labels", "app-name")),
        ("größe.0", ("größe", "0")),
    ],
)
def test_paths(text: str, expected: tuple[Step, ...]) -> None:
    """Names and positions, with or without the dollar."""
    assert parse_path(text) == expected


@pytest.mark.parametrize(
    ("text", "character", "expected"),
    [
        ("", 1, "a name"),
        (".a", 1, "a name"),
        ("$a", 2, "'.', '[' or the end"),
        ("$.", 3, "a name"),
        ("a..b", 3, "a name"),
        ("a.b.", 5, "a name"),
        ("labels.*", 8, "a name"),
        ("a[*]", 3, "a position"),
        ("a[-1]", 3, "a position"),
        ("a[?(@.x)]", 3, "a position"),
        ("a[", 3, "a position"),
        ("a[0", 4, "']'"),
        ("a[00000]", 7, "']'"),
        ("a[x]", 3, "a position"),
        ("a['x", 5, "the closing '"),
        ('a["x]', 6, 'the closing "'),
        ("a['x'", 6, "']'"),
        ("a b", 2, "'.', '[' or the end"),
        ("a]", 2, "'.', '[' or the end"),
        (".".join("abcdefghijk"), 20, "at most 10 steps"),
        ("a" * 201, 201, "at most 200 characters"),
    ],
)
def test_what_is_no_path(text: str, character: int, expected: str) -> None:
    """The message says which path, where, and what should be there."""
    with pytest.raises(ValueError, match=r"^path ") as caught:
        parse_path(text)

    message = str(caught.value)
    assert f", character {character}: expected " in message
    assert expected in message
    assert repr(text[:40])[1:-1] in message


@given(paths)
@QUICK
def test_any_text_is_a_path_or_refused(text: str) -> None:
    """Never any other error."""
    try:
        found = parse_path(text)
    except ValueError as error:
        refusal: ValueError | None = error
    else:
        refusal = None
        assert len(found) <= MAX_PATH_DEPTH
        assert parse_path(format_path(found)) == found
    assert refusal is None or (type(refusal) is ValueError and "character" in str(refusal))


@given(steps)
@QUICK
def test_round_trip(path: tuple[Step, ...]) -> None:
    """Whatever steps there are, a path says them."""
    text = format_path(path)

    assert len(text) > MAX_PATH_CHARS or parse_path(text) == path


BODY = {"a": {"b": [{"c": 1}, None, " "]}, "a.b": "dotted", "": 0, "A": "other"}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("$.a.b[0].c", 1, "a.b[0].c"),
        ("a.b[0]", {"c": 1}, "a.b[0]"),
        ("['a.b']", "dotted", "a.b"),
        ("A", "other", "A"),
        ("$", BODY, ""),
    ],
)
def test_follow(path: str, value: object, where: str) -> None:
    """The value, and the place it was found at."""
    assert follow(Found(BODY, ""), path) == Found(value, where)


@pytest.mark.parametrize("path", ["x", "a.b.c", "a[0]", "a.b[1]", "a.b[2]", "a.b[3]", "a.b[0].c.d"])
def test_follow_nowhere(path: str) -> None:
    """Missing, null and blank are all nothing."""
    assert follow(Found(BODY, ""), path) is None


@given(values, steps)
@QUICK
def test_follow_never_fails(value: object, path: tuple[Step, ...]) -> None:
    """Any path through any value."""
    text = format_path(path)
    if len(text) <= MAX_PATH_CHARS:
        assert follow(Found(value, ""), text) is None or value is not None


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"title": "a..b"}, r"title\n.*path 'a..b', character 3: expected a name"),
        ({"alerts": "$.*"}, r"alerts\n.*character 3"),
        ({"titel": "a"}, r"titel\n.*not permitted"),
        ({"severities": {"x": "loud"}}, r"severities.x\n.*'critical', 'high'"),
        ({"title": 5}, r"title\n"),
        ({"firing": ["x"] * 101}, r"firing\n"),
    ],
)
def test_a_wrong_mapping(declared: dict[str, object], message: str) -> None:
    """Mistakes are seen when it is built, by field."""
    with pytest.raises(ValidationError, match=message) as caught:
        GenericMapping.model_validate(declared)

    assert isinstance(caught.value, ValueError)


def test_a_mapping_is_a_value() -> None:
    """It goes through JSON unchanged."""
    mapping = GenericMapping.model_validate(
        {"title": "$.a['b c'][0]", "severities": {"loud": "high"}, "firing": ["on"]}
    )

    assert GenericMapping.model_validate_json(mapping.model_dump_json()) == mapping
