"""The files with a deployment's parameters, one per environment."""

from collections.abc import Iterator
from pathlib import Path

from scripts.bicep import Problem, value_of
from scripts.infra_rules.tree import Tree

_TYPES = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}


def files_of(tree: Tree) -> list[Path]:
    """Return them: azd's own, and those of infra/environments."""
    infra = tree.root / "infra"
    return [
        infra / "main.parameters.json",
        *sorted((infra / "environments").glob("*.parameters.json")),
    ]


def check(tree: Tree) -> Iterator[Problem]:
    """Give what main.bicep does not take, misses, or takes as another type."""
    for path in files_of(tree):
        given = tree.json(str(path.relative_to(tree.root)))["parameters"]
        for name, entry in given.items():
            yield from _one(tree, path, name, entry["value"])
        for name, parameter in tree.main.parameters.items():
            if parameter.value is None and name not in given:
                yield Problem(path, 0, f"{name} must be given")


def _one(tree: Tree, path: Path, name: str, value: object) -> Iterator[Problem]:
    parameter = tree.main.parameters.get(name)
    if parameter is None:
        yield Problem(path, 0, f"main.bicep has no parameter {name}")
        return
    needed = _TYPES[parameter.type]
    if not isinstance(value, needed) or (needed is int and isinstance(value, bool)):
        yield Problem(path, 0, f"{name} must be of type {parameter.type}")
    if parameter.allowed is not None:
        choices = value_of(parameter.allowed, tree.main)
        if value not in choices:
            yield Problem(path, 0, f"{name} is {value!r}; it may be {', '.join(choices)}")
