"""ASP.NET Core route templates: parse, match, and which of two comes first.

    tickets/{id}            one segment, any text
    tickets/{id:int}        only whole numbers (see ``_CONSTRAINTS``)
    tickets/{id?}           may be missing          page/{n=1}   has a default
    files/{*path}           the rest, slashes included
    v{version}/{name}.json  literal text and parameters in one segment

Literal text matches without regard to case. A path segment is percent-decoded once.
Source: Microsoft Learn, "Routing in ASP.NET Core".
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import unquote
from uuid import UUID

E = TypeVar("E")


class BadTemplate(Exception):
    """A route template cannot be parsed; the message quotes it."""


Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    checks: tuple[Check, ...]
    optional: bool
    default: str | None
    catch_all: bool


@dataclass(frozen=True, slots=True)
class _Segment:
    pattern: re.Pattern[str]
    parameters: tuple[_Parameter, ...]
    rank: int

    @property
    def may_be_missing(self) -> bool:
        first = self.parameters[0] if len(self.parameters) == 1 else None
        return first is not None and (
            first.optional or first.catch_all or first.default is not None
        )


class Template:
    """One parsed template.

    Raises:
        BadTemplate: it is malformed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [part for part in text.strip("/").split("/") if part or "/" in text.strip("/")]
        self._segments = [_parse_segment(text, part) for part in parts if part]
        self.rank = tuple(segment.rank for segment in self._segments)

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Return the parameters for the decoded segments of a path, or None."""
        found: dict[str, str] = {}
        for index, segment in enumerate(self._segments):
            if segment.parameters and segment.parameters[0].catch_all:
                return _take_rest(segment.parameters[0], path[index:], found)
            if index >= len(path):
                if not segment.may_be_missing:
                    return None
                default = segment.parameters[0].default
                if default is not None:
                    found[segment.parameters[0].name] = default
                continue
            if not _take(segment, path[index], found):
                return None
        return found if len(path) <= len(self._segments) else None


def split_path(raw_path: str) -> list[str]:
    """Return the segments of a raw request path, each percent-decoded once."""
    trimmed = raw_path.strip("/")
    return [unquote(segment) for segment in trimmed.split("/")] if trimmed else []


@dataclass(frozen=True, slots=True)
class Route(Generic[E]):
    """Where a request goes. No ``methods`` means every method."""

    template: Template
    methods: frozenset[str]
    endpoint: E


class Router(Generic[E]):
    """Routes in order of precedence: literal before constrained before free text."""

    def __init__(self, routes: Iterable[Route[E]]) -> None:
        self.routes = sorted(routes, key=lambda route: route.template.rank)

    def find(self, method: str, raw_path: str) -> tuple[E, dict[str, str]] | None:
        """Return the endpoint and its parameters.

        None also when only the method is wrong: the real host answers 404 then.
        """
        path = split_path(raw_path)
        for route in self.routes:
            if route.methods and method not in route.methods:
                continue
            parameters = route.template.match(path)
            if parameters is not None:
                return route.endpoint, parameters
        return None


def _take(segment: _Segment, text: str, found: dict[str, str]) -> bool:
    match = segment.pattern.fullmatch(text)
    if match is None:
        return False
    for parameter in segment.parameters:
        value = match.group(parameter.name)
        if not all(check(value) for check in parameter.checks):
            return False
        found[parameter.name] = value
    return True


def _take_rest(
    parameter: _Parameter, rest: list[str], found: dict[str, str]
) -> dict[str, str] | None:
    value = "/".join(rest)
    if not value:
        if parameter.default is not None:
            found[parameter.name] = parameter.default
        return found
    if not all(check(value) for check in parameter.checks):
        return None
    found[parameter.name] = value
    return found


_PIECE = re.compile(r"\{(?P<inside>(?:[^{}]|\{\{|\}\})+)\}|(?P<text>(?:[^{}]|\{\{|\}\})+)")


def _parse_segment(whole: str, text: str) -> _Segment:
    parameters: list[_Parameter] = []
    pattern, position = "", 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise BadTemplate(f"route {whole!r}: braces do not match in {text!r}")
        position = piece.end()
        inside = piece.group("inside")
        if inside is None:
            pattern += re.escape(_unescape(piece.group("text")))
            continue
        parameter = _parse_parameter(whole, inside)
        parameters.append(parameter)
        pattern += f"(?P<{parameter.name}>.+)"
    try:
        compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise BadTemplate(f"route {whole!r}: {error}") from error
    return _Segment(compiled, tuple(parameters), _rank(text, parameters))


def _rank(text: str, parameters: list[_Parameter]) -> int:
    if not parameters:
        return 1
    if parameters[0].catch_all:
        return 4 if parameters[0].checks else 5
    simple = len(parameters) == 1 and text.startswith("{") and text.endswith("}")
    return 3 if simple and not parameters[0].checks else 2


_NAME = re.compile(r"\*{0,2}(?P<name>[A-Za-z_]\w*)(?P<rest>.*)", re.DOTALL)


def _parse_parameter(whole: str, inside: str) -> _Parameter:
    match = _NAME.fullmatch(inside)
    if match is None:
        raise BadTemplate(f"route {whole!r}: {inside!r} is not a parameter")
    rest, optional, default = match.group("rest"), False, None
    if rest.endswith("?"):
        rest, optional = rest[:-1], True
    if not rest.startswith(":") and "=" in rest:
        rest, _, default = rest.partition("=")
    elif "=" in rest and not rest.rstrip().endswith(")"):
        rest, _, default = rest.rpartition("=")
    return _Parameter(
        name=match.group("name"),
        checks=tuple(_checks(whole, rest)),
        optional=optional,
        default=default,
        catch_all=inside.startswith("*"),
    )


_CONSTRAINT = re.compile(r":(?P<name>\w+)(?:\((?P<arguments>.*?)\)(?=:|$))?", re.DOTALL)


def _checks(whole: str, rest: str) -> Iterable[Check]:
    position = 0
    while position < len(rest):
        match = _CONSTRAINT.match(rest, position)
        if match is None:
            raise BadTemplate(f"route {whole!r}: {rest!r} is not a constraint")
        position = match.end()
        name = match.group("name").lower()
        if name == "required":
            continue
        maker = _CONSTRAINTS.get(name)
        if maker is None:
            raise BadTemplate(f"route {whole!r}: there is no constraint {name!r}")
        try:
            yield maker(_unescape(match.group("arguments") or ""))
        except (ValueError, re.error) as error:
            raise BadTemplate(f"route {whole!r}: {name}: {error}") from error


def _unescape(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _parses(parse: Callable[[str], object]) -> Check:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _whole_number(bits: int) -> Check:
    limit = 1 << (bits - 1)

    def check(text: str) -> bool:
        return re.fullmatch(r"[+-]?\d+", text) is not None and -limit <= int(text) < limit

    return check


def _compare(compare: Callable[[int, int], bool], arguments: str) -> Check:
    bound = int(arguments)
    is_number = _whole_number(64)
    return lambda text: is_number(text) and compare(int(text), bound)


def _length(arguments: str) -> Check:
    low, _, high = arguments.partition(",")
    shortest, longest = int(low), int(high or low)
    return lambda text: shortest <= len(text) <= longest


def _range(arguments: str) -> Check:
    low, _, high = arguments.partition(",")
    least, most = int(low), int(high)
    is_number = _whole_number(64)
    return lambda text: is_number(text) and least <= int(text) <= most


def _regex(arguments: str) -> Check:
    pattern = re.compile(arguments, re.IGNORECASE)
    return lambda text: pattern.search(text) is not None


_CONSTRAINTS: dict[str, Callable[[str], Check]] = {
    "int": lambda _: _whole_number(32),
    "long": lambda _: _whole_number(64),
    "bool": lambda _: lambda text: text.lower() in ("true", "false"),
    "guid": lambda _: _parses(UUID),
    "datetime": lambda _: _parses(datetime.fromisoformat),
    "decimal": lambda _: _parses(float),
    "double": lambda _: _parses(float),
    "float": lambda _: _parses(float),
    "alpha": lambda _: lambda text: re.fullmatch("[A-Za-z]*", text) is not None,
    "length": _length,
    "minlength": lambda arguments: lambda text: len(text) >= int(arguments),
    "maxlength": lambda arguments: lambda text: len(text) <= int(arguments),
    "min": lambda arguments: _compare(int.__ge__, arguments),
    "max": lambda arguments: _compare(int.__le__, arguments),
    "range": _range,
    "regex": _regex,
}
