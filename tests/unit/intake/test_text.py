"""Text for people: visible characters only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.intake.text import has_invisible, many_lines, one_line
from tests.unit.intake.bodies import QUICK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  load \t orders\r\n ", "load orders", id="white space becomes one space"),
        pytest.param("a\u202egnp.exe", "agnp.exe", id="right-to-left override"),
        pytest.param("\u2066a\u2069", "a", id="isolates"),
        pytest.param("pa\u200by\ufeffroll", "payroll", id="zero width"),
        pytest.param("a\x1b[31mred", "a[31mred", id="terminal colours"),
        pytest.param("a \u200b b", "a b", id="no double space where a character was removed"),
        pytest.param("a\u2028b", "a b", id="line separator"),
        pytest.param("a\ud800b", "ab", id="half of a surrogate pair"),
        pytest.param("a\x00b\x7fc", "abc", id="NUL and DEL"),
        pytest.param("Zahlung für Müller 支払い", "Zahlung für Müller 支払い", id="letters stay"),
        pytest.param("abcdefghijk", "abcdefghi…", id="cut"),
        pytest.param("abcdefghij", "abcdefghij", id="exactly as long as allowed"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    """A title stays on its line and looks like what it is."""
    assert one_line(text, 10 if text.startswith("abc") else 100) == expected


def test_many_lines_keeps_the_lines() -> None:
    """A stack trace stays readable; what hides in it does not stay."""
    assert many_lines("a\r\n\tat b\u202e\n\n\n\n\nc\x07 ", 100) == "a\n\tat b\n\nc"


def test_many_lines_cuts() -> None:
    """The first characters are kept: they name the error."""
    assert many_lines("abcdef", 3) == "abc"


@given(st.text(st.characters(exclude_categories=[])))
@QUICK
def test_nothing_invisible_is_left(text: str) -> None:
    """Whatever comes in, one line of visible, storable characters comes out."""
    line = one_line(text, 50)

    assert not has_invisible(line)
    assert len(line) <= 50
    assert line.encode() is not None
    assert one_line(line, 50) == line
    assert not has_invisible(many_lines(text, 50).replace("\n", "").replace("\t", ""))
