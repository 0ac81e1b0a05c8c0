"""Strict JSON: what is refused, how it is named, and that nothing else is ever raised."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.body import MAX_BYTES, NotJson, parse_json
from tests.unit.intake.bodies import QUICK, values


@pytest.mark.parametrize(
    ("raw", "message", "field"),
    [
        pytest.param(b"", "empty", "body", id="nothing"),
        pytest.param(b" \r\n\t", "empty", "body", id="white space only"),
        pytest.param(b"\xef\xbb\xbf", "empty", "body", id="a byte order mark only"),
        pytest.param(b'{"a":"\xff"}', r"not UTF-8 \(byte 6\)", "body", id="not UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', "not UTF-8", "body", id="a surrogate encoded in UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), "UTF-16", "body", id="UTF-16 with a mark"),
        pytest.param('{"a":1}'.encode("utf-16-le"), "UTF-16", "body", id="UTF-16, little end"),
        pytest.param('{"a":1}'.encode("utf-16-be"), "UTF-16", "body", id="UTF-16, big end"),
        pytest.param('{"a":1}'.encode("utf-32"), "UTF-32", "body", id="UTF-32"),
        pytest.param(b'{"aaaa":"\x00"}', "NUL", "body", id="a NUL byte"),
        pytest.param(b'{"a":["x\\u0000"]}', "NUL", "a[0]", id="an escaped NUL"),
        pytest.param(b'{"a\\u0000":1}', "NUL", "body", id="a NUL in a key"),
        pytest.param(b'{"a":{"b":"\\ud800"}}', "surrogate", "a.b", id="half of a pair"),
        pytest.param(b'{"a":"\\ude00\\ud83d"}', "surrogate", "a", id="a pair the wrong way round"),
        pytest.param(b'[{"\\ud800":1}]', "surrogate", "[0]", id="half of a pair in a key"),
        pytest.param(b'{"a":NaN}', "NaN", "a", id="NaN"),
        pytest.param(b'{"a":[1,-Infinity]}', "infinite", "a[1]", id="minus infinity"),
        pytest.param(b'{"a":{"b":1e999}}', "infinite", "a.b", id="a number too big to be finite"),
        pytest.param(b"NaN", "NaN", "body", id="nothing but NaN"),
        pytest.param(
            b'{"a":{"b":1,"b":1}}', "more than once", "a.b", id="a key twice, although equal"
        ),
        pytest.param(b'[{"a":1,"a":2,"a":3}]', "more than once", "[0].a", id="a key three times"),
        pytest.param(b'{"a":1,"\\u0061":2}', "more than once", "a", id="a key twice, once escaped"),
        pytest.param(b"[" + b"9" * 101 + b"]", "100 characters", "[0]", id="101 digits"),
        pytest.param(b'{"a":' + b"9" * 5_000 + b"}", "100 characters", "a", id="5 000 digits"),
        pytest.param(b'{"a":-1.' + b"1" * 5_000 + b"}", "100 characters", "a", id="5 000 decimals"),
    ],
)
def test_refused(raw: bytes, message: str, field: str) -> None:
    """Each trap of the standard parser is a 400 that says what and where."""
    with pytest.raises(InvalidInput, match=message) as caught:
        parse_json(raw)

    assert caught.value.field == field
    assert caught.value.http_status == 400
    assert not isinstance(caught.value, NotJson)


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        pytest.param(b"hello", r"line 1, column 1\)", id="plain text"),
        pytest.param(b'{"a": 1,\n "b" 2}', r"line 2, column 6\)", id="a colon is missing"),
        pytest.param(b'{"a": "x\ny"}', r"line 1, column 9\)", id="a line break in a text"),
        pytest.param(b'{"a": 1} x', r"line 1, column 10\)", id="something after the end"),
        pytest.param(b"{'a': 1}", r"line 1, column 2\)", id="single quotes"),
        pytest.param(b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}', "line 1, column 1", id="two marks"),
        pytest.param(b'{"a":"' + b'\\"' * 50, "line 1, column 6", id="a text that never ends"),
    ],
)
def test_not_json(raw: bytes, where: str) -> None:
    """The sender learns line and column."""
    with pytest.raises(NotJson, match=where):
        parse_json(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(b" " * (MAX_BYTES + 1), "262145 bytes", id="one byte too many"),
        pytest.param(b"[" * 33 + b"]" * 33, "32 levels", id="33 levels"),
        pytest.param(b"[" * 100_000, "32 levels", id="a hundred thousand brackets"),
        pytest.param(b'{"a":' * 50_000, "32 levels", id="fifty thousand objects"),
        pytest.param(b"[" + b"1," * 10_000 + b"1]", "10000 values", id="10 001 values"),
    ],
)
def test_too_large(raw: bytes, message: str) -> None:
    """More bytes, levels or values than we accept is a 413."""
    with pytest.raises(TooLarge, match=message) as caught:
        parse_json(raw)

    assert caught.value.http_status == 413


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="a byte order mark"),
        pytest.param(b'{"a":1}'.ljust(MAX_BYTES), {"a": 1}, id="as many bytes as are allowed"),
        pytest.param(b'{"a":"[[[[{{{{\\""}', {"a": '[[[[{{{{"'}, id="brackets in a text"),
        pytest.param(b'["' + b"[" * 99 + b'"]', ["[" * 99], id="99 brackets in a text"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="a proper surrogate pair"),
        pytest.param(b"[" + b"9" * 100 + b"]", [10**100 - 1], id="100 digits"),
        pytest.param(b'{"a":1,"A":2}', {"a": 1, "A": 2}, id="keys that differ in case"),
        pytest.param(b'{"":null,"b":[]}', {"": None, "b": []}, id="an empty key"),
    ],
)
def test_accepted(raw: bytes, value: object) -> None:
    """What is merely unusual is read."""
    assert parse_json(raw) == value


def test_32_levels_are_accepted() -> None:
    """The limit itself is still good."""
    assert json.dumps(parse_json(b"[" * 32 + b"]" * 32)) == "[" * 32 + "]" * 32


def test_a_strange_key_is_shown_printable_and_short() -> None:
    """A key may not bring line breaks into our answers and logs."""
    key = "a\\u202e\\nb" + "c" * 1_000

    with pytest.raises(InvalidInput) as caught:
        parse_json(f'{{"{key}":NaN}}'.encode())

    assert caught.value.field.startswith("a bccc")
    assert len(caught.value.field) == 64


def test_an_endless_text_full_of_quotes_is_read_once() -> None:
    """A quarter of a megabyte of escaped quotes takes milliseconds, not minutes."""
    started = time.process_time()

    with pytest.raises(NotJson):
        parse_json(b'"' + b'\\"' * 131_000)

    assert time.process_time() - started < 2


@given(st.binary(max_size=300))
@QUICK
def test_random_bytes_raise_nothing_else(raw: bytes) -> None:
    """Whatever comes over the wire, the answer is a value or a clear refusal."""
    _parse_or_refuse(raw)


@given(values, st.data())
@QUICK
def test_damaged_json_raises_nothing_else(value: object, data: st.DataObject) -> None:
    """Near misses reach deeper into the parser than noise does."""
    raw = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw)))
        until = data.draw(st.integers(at, min(at + 2, len(raw))))
        raw[at:until] = data.draw(st.sampled_from([b"", b'"', b"\\", b"[", b"{", b",", b"\xff"]))

    _parse_or_refuse(bytes(raw))


@given(values)
@QUICK
def test_what_is_accepted_can_be_stored(value: object) -> None:
    """A value that comes through survives UTF-8 and strict JSON unchanged."""
    parsed = _parse_or_refuse(json.dumps(value).encode())

    if parsed is not None:
        stored = json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
        assert json.loads(stored) == parsed
        assert b"\x00" not in stored


def _parse_or_refuse(raw: bytes) -> object:
    try:
        return parse_json(raw)
    except InvalidInput as error:
        refusal = error
    assert str(refusal)
    assert refusal.field
    return None
