"""The files that belong together: all of infra/, and what the code expects of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.bicep import BicepFile, Problem, parse_folder


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the repository's files that a deployment is made of.

    Args:
        root: The repository, or a copy of the parts that are looked at.
    """

    root: Path
    files: dict[Path, BicepFile] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> "Tree":
        """Read every Bicep file below ``root``/infra."""
        return cls(root, {one.path.resolve(): one for one in parse_folder(root / "infra")})

    @property
    def main(self) -> BicepFile:
        """The file that is deployed."""
        return self.module("main.bicep")

    def module(self, name: str) -> BicepFile:
        """Return a file by its path below infra/."""
        return self.files[(self.root / "infra" / name).resolve()]

    def json(self, name: str) -> Any:
        """Return a JSON file by its path below the root."""
        return json.loads((self.root / name).read_text(encoding="utf-8"))

    def problem(self, name: str, text: str) -> Problem:
        """Return ``text`` about a whole file."""
        return Problem(self.root / name, 0, text)
