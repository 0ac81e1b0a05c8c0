"""Names within and between files: everything used is declared, everything declared is used."""

from collections.abc import Iterator

from tree_sitter import Node

from scripts.bicep import (
    BicepFile,
    Module,
    Problem,
    loop_names,
    properties,
    string_of,
    syntax_errors,
    text_of,
    value_of,
    walk,
)
from scripts.infra_rules.tree import Tree

# Functions of Bicep that infra/ uses. A new one is added here, after a look at its spelling.
FUNCTIONS = frozenset({
    "contains", "empty", "guid", "listCallbackUrl", "loadJsonContent", "loadTextContent",
    "resourceGroup", "subscription", "subscriptionResourceId", "tenant", "toLower", "union",
    "uniqueString",
})  # fmt: skip
DECORATORS = frozenset({
    "allowed", "batchSize", "description", "maxLength", "maxValue", "minLength", "minValue",
    "secure",
})  # fmt: skip
_FILES = frozenset({"loadJsonContent", "loadTextContent"})


def check(tree: Tree) -> Iterator[Problem]:
    """Give what is no Bicep, undeclared, unused, or passed to a module that does not take it."""
    for found in tree.files.values():
        errors = syntax_errors(found)
        yield from errors
        if not errors:
            yield from _names(found)
            yield from _files(found)
            for module in found.modules:
                yield from _module(found, module, tree)
    reached = {
        (found.path.parent / one.path).resolve()
        for found in tree.files.values()
        for one in found.modules
    }
    for path, found in tree.files.items():
        if found is not tree.main and path not in reached:
            yield Problem(found.path, 0, "no file uses this module")


def _names(found: BicepFile) -> Iterator[Problem]:
    declared = {*found.parameters, *found.variables, *found.types}
    declared |= {one.symbol for one in found.resources} | {one.symbol for one in found.modules}
    used: set[str] = set()
    for node, scope in _uses(found.root, frozenset()):
        name = text_of(node)
        used.add(name)
        if name in declared or name in scope:
            continue
        parent = node.parent
        call = parent is not None and parent.type == "call_expression"
        if call and parent is not None and parent.named_children[0] == node:
            known = DECORATORS if _is_decorator(parent) else FUNCTIONS
            if name not in known:
                yield found.problem(node, f"there is no function {name}")
            continue
        yield found.problem(node, f"{name} is not declared")
    for name in sorted({*found.parameters, *found.variables, *found.types} - used):
        yield Problem(found.path, 0, f"{name} is declared and never used")


def _is_decorator(call: Node) -> bool:
    return call.parent is not None and call.parent.type == "decorator"


def _uses(node: Node, scope: frozenset[str]) -> Iterator[tuple[Node, frozenset[str]]]:
    """Give every name that is read, with the loop variables that it may mean."""
    match node.type:
        case "identifier":
            yield node, scope
            return
        case "for_statement":
            inner = scope | set(loop_names(node))
            for child in node.named_children[1:]:
                yield from _uses(child, inner)
            return
        case "object_property":
            yield from _uses(node.named_children[-1], scope)
            return
        case "type_declaration":
            return
        case _:
            pass
    children = node.named_children
    if node.type.endswith("_declaration"):
        children = children[1:]
    for child in children:
        yield from _uses(child, scope)


def _files(found: BicepFile) -> Iterator[Problem]:
    for node in walk(found.root):
        if node.type != "call_expression" or text_of(node.named_children[0]) not in _FILES:
            continue
        name = string_of(node.named_children[1].named_children[0])
        if not (found.path.parent / name).is_file():
            yield found.problem(node, f"there is no file {name}")


def _module(found: BicepFile, module: Module, tree: Tree) -> Iterator[Problem]:
    target = tree.files.get((found.path.parent / module.path).resolve())
    if target is None:
        yield Problem(found.path, module.line, f"there is no file {module.path}")
        return
    body = properties(module.body)
    given = properties(body["params"][1]) if "params" in body else {}
    for name, (key, value) in given.items():
        taken = target.parameters.get(name)
        if taken is None:
            yield found.problem(key, f"{module.path} has no parameter {name}")
        elif taken.allowed is not None:
            choices, shown = value_of(taken.allowed, target), value_of(value, found)
            if isinstance(shown, str) and shown not in choices:
                yield found.problem(value, f"{name} is {shown!r}; it may be {choices}")
    for name, parameter in target.parameters.items():
        if parameter.value is None and name not in given:
            yield Problem(found.path, module.line, f"{module.path} needs the parameter {name}")
    for node in walk(found.root):
        output = _output_of(node, module.symbol)
        if output is not None and output not in target.outputs:
            yield found.problem(node, f"{module.path} has no output {output}")


def _output_of(node: Node, module: str) -> str | None:
    """Return ``x`` of ``module.outputs.x``, ``module!.outputs.x`` or ``module[0].outputs.x``."""
    if node.type != "member_expression":
        return None
    owner = node.named_children[0]
    if owner.type != "member_expression" or text_of(owner.named_children[1]) != "outputs":
        return None
    root = owner.named_children[0]
    while root.type == "subscript_expression":
        root = root.named_children[0]
    return text_of(node.named_children[1]) if text_of(root) == module else None
