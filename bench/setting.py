"""What a benchmark is given: how thorough to be, where to write, and where rivals are."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "bench" / "app"


@dataclass(frozen=True, slots=True)
class Setting:
    """One run of the benchmarks.

    Attributes:
        quick: Fewer repetitions and smaller counts; the figures say so in their counts.
        folder: An empty folder for this benchmark, on the file system that is measured.
        rivals_python: Interpreter that has requirements-bench.txt, or None.
    """

    quick: bool
    folder: Path
    rivals_python: Path | None

    def either(self, quick: int, full: int) -> int:
        """Return the count that fits."""
        return quick if self.quick else full

    def make_folder(self, name: str) -> Path:
        """Return a new folder below :attr:`folder`."""
        path = self.folder / name
        path.mkdir(parents=True)
        return path

    def say(self, text: str) -> None:
        """Show progress."""
        print(f"  {text}", file=sys.stderr, flush=True)
