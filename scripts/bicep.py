"""Reads Bicep without its compiler: what a file declares, and the values that are plain to see.

The grammar is ``tree-sitter-bicep``. It knows no ``.bicepparam``, spread, ``extension`` or
``assert``, which are therefore not used in infra/; and it lets a few wrong things pass that only
the compiler sees (docs/operations.md says how to run that one).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser


class Unknown:
    """A value that is known only when it is deployed."""


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where. ``line`` counts from 1; 0 stands for the whole file."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """``value`` is the default, if there is one."""

    line: int
    type: str
    secure: bool
    value: Node | None
    allowed: Node | None


@dataclass(frozen=True, slots=True)
class Resource:
    """``body`` is the object; ``loop`` the ``for`` around it, if there is one."""

    symbol: str
    type: str
    version: str
    existing: bool
    line: int
    body: Node
    loop: Node | None


@dataclass(frozen=True, slots=True)
class Module:
    """``path`` as written, relative to the file."""

    symbol: str
    path: str
    line: int
    body: Node


@dataclass(frozen=True, slots=True)
class BicepFile:
    """One file and what it declares, by name."""

    path: Path
    root: Node
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    types: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, Node] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)

    def problem(self, node: Node, text: str) -> Problem:
        """Return ``text`` with the place of ``node``."""
        return Problem(self.path, line_of(node), text)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def parse(path: Path, text: str | None = None) -> BicepFile:
    """Return what a file declares; ``syntax_errors`` tells whether all of it could be read."""
    source = path.read_text(encoding="utf-8") if text is None else text
    found = BicepFile(path, _parser().parse(source.encode()).root_node)
    decorators: list[Node] = []
    for node in found.root.named_children:
        if node.type == "decorators":
            decorators = node.named_children
            continue
        _declare(found, node, decorators)
        decorators = []
    return found


def parse_folder(folder: Path) -> list[BicepFile]:
    """Return every file in ``folder`` and below, in order."""
    return [parse(path) for path in sorted(folder.rglob("*.bicep"))]


def _declare(found: BicepFile, node: Node, decorators: list[Node]) -> None:
    named = node.named_children
    match node.type:
        case "parameter_declaration":
            found.parameters[text_of(named[0])] = _parameter(node, decorators)
        case "variable_declaration":
            found.variables[text_of(named[0])] = named[-1]
        case "type_declaration":
            found.types[text_of(named[0])] = named[-1]
        case "output_declaration":
            found.outputs[text_of(named[0])] = named[-1]
        case "resource_declaration":
            body, loop = _body(node)
            kind, _, version = string_of(named[1]).partition("@")
            existing = any(child.type == "existing" for child in node.children)
            resource = Resource(
                text_of(named[0]), kind, version, existing, line_of(node), body, loop
            )
            found.resources.append(resource)
        case "module_declaration":
            body, _ = _body(node)
            module = Module(text_of(named[0]), string_of(named[1]), line_of(node), body)
            found.modules.append(module)
        case _:
            pass


def _parameter(node: Node, decorators: list[Node]) -> Parameter:
    calls = {text_of(one.named_children[0].named_children[0]): one for one in decorators}
    allowed = calls.get("allowed")
    named = node.named_children
    return Parameter(
        line=line_of(node),
        type=text_of(named[1]),
        secure="secure" in calls,
        value=named[2] if len(named) > 2 else None,
        allowed=allowed.named_children[0].named_children[1].named_children[0] if allowed else None,
    )


def _body(node: Node) -> tuple[Node, Node | None]:
    """Return the object of a declaration, below its condition and its loop."""
    loop = None
    inner = node.named_children[-1]
    while inner.type in {"if_statement", "for_statement"}:
        loop = inner if inner.type == "for_statement" else loop
        inner = inner.named_children[-1]
    return inner, loop


def walk(node: Node) -> Iterator[Node]:
    """Give ``node`` and everything in it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def syntax_errors(found: BicepFile) -> list[Problem]:
    """Return the places that are no Bicep."""
    return [
        found.problem(node, f"this is no Bicep: {text_of(node)[:40].strip() or node.type!r}")
        for node in walk(found.root)
        # The grammar takes a call in a list for two items; give its result a name first.
        if node.type == "ERROR" or node.is_missing or _is_hollow(node)
    ]


def _is_hollow(node: Node) -> bool:
    return node.type == "parenthesized_expression" and not node.named_children


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return node.text.decode() if node.text else ""


def line_of(node: Node) -> int:
    """Return the line that a node begins in, from 1."""
    return int(node.start_point[0]) + 1


def string_of(node: Node) -> str:
    """Return a string's content, interpolations as they are written."""
    return "".join(text_of(part) for part in node.named_children)


def properties(node: Node) -> dict[str, tuple[Node, Node]]:
    """Return an object's keys and values, by name."""
    found = {}
    for child in node.named_children:
        if child.type == "object_property":
            key, value = child.named_children[0], child.named_children[-1]
            found[string_of(key) if key.type == "string" else text_of(key)] = (key, value)
    return found


def loop_names(loop: Node) -> list[str]:
    """Return what a ``for`` calls its item, and its index if it is given a name."""
    first = loop.named_children[0]
    return [text_of(one) for one in (first.named_children or [first])]


def value_of(node: Node, found: BicepFile, known: Mapping[str, Any] | None = None) -> Any:
    """Return what an expression is, as far as that is plain to see; else ``UNKNOWN``.

    Args:
        known: Values of parameters and loop variables.
    """
    read = _READERS.get(node.type)
    return read(node, found, known or {}) if read else UNKNOWN


def _array(node: Node, found: BicepFile, known: Mapping[str, Any]) -> list[Any]:
    return [value_of(one, found, known) for one in node.named_children if _counts(one)]


def _object(node: Node, found: BicepFile, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value_of(value, found, known) for name, (_, value) in properties(node).items()}


def _member(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    owner = value_of(node.named_children[0], found, known)
    name = text_of(node.named_children[1])
    return owner.get(name, UNKNOWN) if isinstance(owner, dict) else UNKNOWN


def _counts(node: Node) -> bool:
    return node.type not in {"comment", "diagnostic_comment"}


def _string(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    parts = []
    for part in node.named_children:
        if part.type == "interpolation":
            value = value_of(part.named_children[0], found, known)
            if not isinstance(value, str | int):
                return UNKNOWN
            parts.append(str(value))
        else:
            parts.append(text_of(part).replace("\\'", "'"))
    return "".join(parts)


def _named(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    name = text_of(node)
    if name in known:
        return known[name]
    if name in found.variables:
        return value_of(found.variables[name], found, known)
    parameter = found.parameters.get(name)
    if parameter is not None and parameter.value is not None:
        return value_of(parameter.value, found, known)
    return UNKNOWN


def _ternary(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    chosen = value_of(node.named_children[0], found, known)
    if not isinstance(chosen, bool):
        return UNKNOWN
    return value_of(node.named_children[1 if chosen else 2], found, known)


def _comparison(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    left, right = (value_of(one, found, known) for one in node.named_children[:2])
    plain = not isinstance(left, Unknown) and not isinstance(right, Unknown)
    equality = any(child.type == "==" for child in node.children)
    return left == right if plain and equality else UNKNOWN


def _call(node: Node, found: BicepFile, known: Mapping[str, Any]) -> Any:
    name = text_of(node.named_children[0])
    given = [value_of(one, found, known) for one in node.named_children[1].named_children]
    if name == "union" and all(isinstance(one, dict) for one in given):
        return {key: value for one in given for key, value in one.items()}
    if name == "empty" and len(given) == 1 and not isinstance(given[0], Unknown):
        return not given[0]
    return UNKNOWN


_READERS: dict[str, Callable[[Node, BicepFile, Mapping[str, Any]], Any]] = {
    "string": _string,
    "number": lambda node, _found, _known: int(text_of(node)),
    "boolean": lambda node, _found, _known: text_of(node) == "true",
    "null": lambda _node, _found, _known: None,
    "array": _array,
    "object": _object,
    "parenthesized_expression": lambda node, found, known: value_of(
        node.named_children[0], found, known
    ),
    "identifier": _named,
    "member_expression": _member,
    "ternary_expression": _ternary,
    "binary_expression": _comparison,
    "call_expression": _call,
}
