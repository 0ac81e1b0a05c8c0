"""The list of benchmarks."""

import ast
from pathlib import Path

import pytest

import bench
from bench.engines import payload
from bench.registry import BENCHMARKS

_FOLDER = Path(bench.__file__).parent


def test_every_module_that_measures_is_listed() -> None:
    """A benchmark that nobody runs rots."""
    listed = {one.run.__module__ for one in BENCHMARKS}

    assert {f"bench.{path.stem}" for path in _FOLDER.glob("*.py") if _measures(path)} == listed


def test_names_are_unique() -> None:
    """``--only`` chooses by name."""
    names = [one.name for one in BENCHMARKS]

    assert len(names) == len(set(names))


def test_every_engine_has_to_do_all_steps() -> None:
    """The check that each engine makes refuses a chain that lost a step."""
    value = payload.first()
    for _ in range(payload.STEPS):
        value = payload.advance(value)
    payload.check(value)

    for wrong in (payload.first(), payload.advance(value), None):
        with pytest.raises(ValueError, match="the chain ended with"):
            payload.check(wrong)


def _measures(path: Path) -> bool:
    tree = ast.parse(path.read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return any(
        one.name == "run" and [argument.arg for argument in one.args.args] == ["setting"]
        for one in functions
    )
