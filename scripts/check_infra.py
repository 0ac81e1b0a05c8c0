"""Check what is deployed without a compiler, a network or a subscription: ``make check`` runs it.

Every file of infra/ is parsed and held against the real schemas of its resource types
(infra/schemas.json), against the other files, and against the code: settings, containers, roles,
host.json. Exits 1 and prints a line per mistake. What only Azure can tell, scripts/verify_azure.py
asks there.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.bicep import Problem
from scripts.infra_rules import (
    app_settings,
    cosmos,
    host,
    parameters,
    roles,
    schemas,
    secrets,
    symbols,
)
from scripts.infra_rules.tree import Tree

ROOT = Path(__file__).resolve().parents[1]
RULES: tuple[Callable[[Tree], Iterator[Problem]], ...] = (
    symbols.check,
    schemas.check,
    parameters.check,
    app_settings.check,
    cosmos.check,
    roles.check,
    secrets.check,
    host.check,
)


def problems(root: Path) -> list[Problem]:
    """Return everything that is wrong in a tree; syntax first, and alone if it is wrong."""
    tree = Tree.read(root)
    found: list[Problem] = []
    for rule in RULES:
        found += rule(tree)
        if any("is no Bicep" in one.text for one in found):
            break
    return found


def main() -> int:
    """Print what is wrong."""
    found = problems(ROOT)
    for one in found:
        print(one)
    files = len(list((ROOT / "infra").rglob("*.bicep")))
    print(f"infra: {files} files, {len(found) or 'no'} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
