"""Every resource against the schema of its type: names, what must be there, closed choices."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from tree_sitter import Node

from scripts.bicep import BicepFile, Problem, Resource, properties, string_of
from scripts.infra_rules.tree import Tree

# Bicep's own, on every resource.
_OWN = frozenset({"name", "parent", "scope", "dependsOn"})

# Literals, and what they are in a schema; an object or a list is no single value either.
_PLAIN = {"string": "string", "number": "int", "boolean": "bool", "object": "object"}

Types = dict[str, dict[str, str]]


def check(tree: Tree) -> Iterator[Problem]:
    """Give every property that the type does not have, or lacks, or that has no such value."""
    schemas = json.loads((tree.root / "infra" / "schemas.json").read_text(encoding="utf-8"))
    for found in tree.files.values():
        for resource in found.resources:
            yield from _resource(found, resource, schemas)


def _resource(found: BicepFile, resource: Resource, schemas: dict[str, Any]) -> Iterator[Problem]:
    schema = schemas.get(resource.type)
    if schema is None:
        known = get_close_matches(resource.type, schemas, 1)
        hint = f" (did you mean {known[0]}?)" if known else ""
        text = f"no schema of {resource.type}{hint}; see scripts/refresh_schemas.py"
        yield Problem(found.path, resource.line, text)
        return
    if resource.version != schema["apiVersion"]:
        text = (
            f"{resource.type}@{resource.version}: the schema is of {schema['apiVersion']}; "
            "use that one, or renew infra/schemas.json"
        )
        yield Problem(found.path, resource.line, text)
    if not resource.existing:
        yield from _object(found, resource.body, "", "", schema["types"])


def _object(
    found: BicepFile, node: Node, path: str, kind: str, types: Types, *, whole: bool = True
) -> Iterator[Problem]:
    shape = types[kind]
    given = properties(node)
    for name, (key, value) in given.items():
        if not path and name in _OWN:
            continue
        inner = shape.get(name, shape.get("*"))
        if inner is None:
            near = get_close_matches(name, shape, 1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield found.problem(key, f"there is no property {path}{name}{hint}")
            continue
        yield from _value(found, value, f"{path}{name}", inner.rstrip("!"), types)
    if whole:
        for name, inner in shape.items():
            if inner.endswith("!") and name not in given:
                yield found.problem(node, f"{path}{name} must be given")


def _value(found: BicepFile, node: Node, path: str, kind: str, types: Types) -> Iterator[Problem]:
    if node.type == "object" and kind in types:
        yield from _object(found, node, f"{path}.", kind, types)
    elif node.type in _PLAIN:
        yield from _plain(found, node, path, kind)
    else:
        for part, inner, whole in _parts(node, kind):
            if not whole and part.type == "object" and inner in types:
                yield from _object(found, part, f"{path}.", inner, types, whole=False)
            elif whole:
                yield from _value(found, part, path, inner, types)


def _parts(node: Node, kind: str) -> Iterator[tuple[Node, str, bool]]:
    """Give what an expression may become, with its type, and whether it is all of the value."""
    children = node.named_children
    if node.type == "ternary_expression":
        yield from ((one, kind, True) for one in children[1:3])
    elif node.type == "for_statement":
        yield children[-1], kind.removesuffix("[]"), True
    elif node.type == "array" and kind.endswith("[]"):
        yield from ((one, kind.removesuffix("[]"), True) for one in children)
    elif node.type == "call_expression" and _callee(node) == "union":
        yield from ((one, kind, False) for one in children[1].named_children)


def _plain(found: BicepFile, node: Node, path: str, kind: str) -> Iterator[Problem]:
    needed = _PLAIN[node.type]
    if kind in {"string", "int", "bool"} and kind != needed:
        yield found.problem(node, f"{path} must be of type {kind}")
    elif needed == "string":
        yield from _string(found, node, path, kind)


def _string(found: BicepFile, node: Node, path: str, kind: str) -> Iterator[Problem]:
    if any(part.type == "interpolation" for part in node.named_children):
        return
    choices = kind.split(" | ")
    value = string_of(node)
    # A choice that ends in "string" is open: Azure may have added values since.
    near = get_close_matches(value, choices, 1, cutoff=0.8) if len(choices) > 1 else []
    closed = len(choices) > 1 and "string" not in choices
    if value not in choices and (closed or near):
        yield found.problem(node, f"{path} is {value!r}; it may be {', '.join(choices)}")


def _callee(node: Node) -> str:
    first = node.named_children[0]
    return first.text.decode() if first.text else ""
