"""Promises about the code that lets callers in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECURITY = sorted((ROOT / "shared" / "security").glob("**/*.py"))
SECRET_NAME = re.compile(r"secret|token|signature|password|digest|expected|offered", re.IGNORECASE)
# Each stops at the first difference, or may: the time it takes tells how much was right.
LEAKING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def leaks(source: str) -> Iterator[str]:
    """Give the comparisons of secrets that do not take the same time always."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(one, LEAKING) for one in node.ops):
            names = [
                name
                for inner in ast.walk(node)
                for name in (getattr(inner, "id", ""), getattr(inner, "attr", ""))
                if name
            ]
            if any(SECRET_NAME.search(name) for name in names):
                yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "leaking"),
    [
        ("given == secret", True),
        ("self.token != given", True),
        ("one.password.get_secret_value() == x", True),
        ("signature in signatures", True),
        ("hmac.compare_digest(given, secret)", False),
        ("len(secret) < 8", False),
        ("algorithm != 'RS256'", False),
    ],
)
def test_the_rule_can_tell(source: str, leaking: bool) -> None:
    """What is forbidden, and what is not."""
    assert bool(list(leaks(source))) is leaking


@pytest.mark.parametrize("path", SECURITY, ids=lambda path: path.name)
def test_secrets_are_compared_in_constant_time(path: Path) -> None:
    """With ``hmac.compare_digest``, never with an operator."""
    assert list(leaks(path.read_text(encoding="utf-8"))) == []


def test_there_is_something_to_look_at() -> None:
    """A folder that was renamed would pass every rule."""
    assert {path.name for path in SECURITY} >= {"credentials.py", "entra.py", "webhooks.py"}


def test_python_jose_is_not_used() -> None:
    """Unmaintained, and known to confuse keys and algorithms."""
    required = [path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*.txt")]
    folders = ("shared", "triggers", "activities", "orchestrators", "simulators", "localhost")
    imported = {
        name.split(".")[0]
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imports(node)
    }

    assert not any(re.search(r"(?im)^python[-_.]jose", text) for text in required)
    assert "jose" not in imported
    assert "jwt" in imported


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [name.name for name in node.names] if isinstance(node, ast.Import) else []


def test_only_one_algorithm_is_believed() -> None:
    """Written out at every call, so that no list can grow (RFC 8725, section 3.1)."""
    lists = [
        ast.unparse(keyword.value)
        for path in SECURITY
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "algorithms"
    ]

    assert lists == ["['RS256']"]
