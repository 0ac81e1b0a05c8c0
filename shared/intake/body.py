"""JSON from strangers: strict, bounded, and never any error but ``InvalidInput``.

``json.loads`` alone would accept NaN, the last of two equal keys, lone surrogates and
UTF-16, and would raise ``RecursionError`` or a bare ``ValueError`` for deep nesting and
very long numbers. Each of these is a clear refusal here, with the field's path.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import NoReturn

from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.text import one_line

MAX_BYTES = 262_144  # Azure Monitor's own cap for one alert is 256 KB
MAX_DEPTH = 32
MAX_ITEMS = 10_000
MAX_NUMBER_CHARS = 100  # Python refuses ints over 4 300 digits; nobody honest sends 100

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# Possessive, and the closing quote optional: an unfinished string is read once, not once
# per quote in it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotJson(InvalidInput):
    """The body does not follow JSON's grammar (as opposed to JSON that we refuse)."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed value for something the parser saw but cannot locate."""

    detail: str


_NOT_FINITE = _Refused("is NaN or infinite, which JSON does not have; send null or leave it out")
_TOO_LONG = _Refused(f"is a number of more than {MAX_NUMBER_CHARS} characters")
_TWICE = _Refused("appears more than once in the same object")


def parse_json(raw: bytes, *, max_bytes: int = MAX_BYTES) -> object:
    """Return the JSON value in ``raw``; every text in it can be stored and sent on.

    Raises:
        TooLarge: more than ``max_bytes``, 32 levels or 10 000 values.
        NotJson: not JSON; the message names line and column.
        InvalidInput: anything else that is wrong, with its dotted path in ``field``.
    """
    return parse_text(decode(raw, max_bytes=max_bytes))


def decode(raw: bytes, *, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a body that is UTF-8, has no NUL and is not empty.

    Raises:
        TooLarge: more than ``max_bytes``.
        InvalidInput: empty or not UTF-8.
    """
    if len(raw) > max_bytes:
        raise TooLarge(f"the body has {len(raw)} bytes; at most {max_bytes} are accepted")
    if raw.startswith(_UTF16_MARKS) or b"\x00" in raw[:4]:
        raise InvalidInput("the body is UTF-16 or UTF-32; send UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8 (byte {error.start})") from error
    if "\x00" in text:
        raise InvalidInput("the body contains a NUL character")
    if not text.strip():
        raise InvalidInput("the body is empty; send a JSON object")
    return text


def parse_text(text: str) -> object:
    """Parse text that :func:`decode` returned.

    Raises:
        TooLarge: more than 32 levels or 10 000 values.
        NotJson: not JSON; the message names line and column.
        InvalidInput: anything else that is wrong, with its dotted path in ``field``.
    """
    refuse_depth(text)
    try:
        value: object = json_decoder().decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from error
    refuse_oddities(value)
    return value


def refuse_depth(text: str) -> None:
    """Count the nesting without parsing: the parser recurses, this does not.

    Raises:
        TooLarge: deeper than 32 levels.
    """
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        found = match[0]
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TooLarge(f"nested deeper than {MAX_DEPTH} levels")
        elif found in "]}":
            depth -= 1


def json_decoder(*, raw_line_breaks: bool = False) -> json.JSONDecoder:
    """Return a decoder whose results must go through :func:`refuse_oddities`.

    Args:
        raw_line_breaks: Accept line breaks and tabs inside strings, which JSON forbids.
    """
    return json.JSONDecoder(
        strict=not raw_line_breaks,
        parse_int=_read_int,
        parse_float=_read_float,
        parse_constant=lambda _: _NOT_FINITE,
        object_pairs_hook=_read_object,
    )


def refuse_oddities(value: object) -> None:
    """Walk a decoded value and refuse what cannot be stored, compared or trusted.

    Raises:
        TooLarge: more than 10 000 values.
        InvalidInput: NaN, a repeated key, a NUL, half a surrogate pair, an endless number.
    """
    pending: list[tuple[object, str]] = [(value, "")]
    seen = 0
    while pending:
        item, path = pending.pop()
        seen += 1
        if seen > MAX_ITEMS:
            raise TooLarge(f"more than {MAX_ITEMS} values in one body")
        if isinstance(item, _Refused):
            _refuse(item.detail, path)
        if isinstance(item, str):
            _refuse_unstorable(item, path)
        elif isinstance(item, dict):
            for key, member in item.items():
                _refuse_unstorable(key, path)
                pending.append((member, join(path, key)))
        elif isinstance(item, list):
            pending.extend((member, f"{path}[{i}]") for i, member in enumerate(item))


def join(path: str, key: str) -> str:
    """Return the dotted path of ``key`` below ``path``; strange keys are made printable."""
    shown = one_line(key, 64)
    return f"{path}.{shown}" if path else shown


def _refuse(detail: str, path: str) -> NoReturn:
    where = path or "body"
    raise InvalidInput(f"{where} {detail}", field=where)


def _refuse_unstorable(text: str, path: str) -> None:
    if found := _UNSTORABLE.search(text):
        what = "a NUL character" if found[0] == "\x00" else "half of a surrogate pair"
        _refuse(f"contains {what}, which is not text", path)


def _read_int(digits: str) -> int | _Refused:
    return int(digits) if len(digits) <= MAX_NUMBER_CHARS else _TOO_LONG


def _read_float(digits: str) -> float | _Refused:
    if len(digits) > MAX_NUMBER_CHARS:
        return _TOO_LONG
    number = float(digits)
    return number if isfinite(number) else _NOT_FINITE


def _read_object(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        result[key] = _TWICE if key in result else value
    return result
