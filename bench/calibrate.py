"""Measure how often verdicts of each strength are right, from a labelled corpus.

    python -m bench.calibrate --corpus FILE

Prints the lines of ``TABLE`` in ``shared/diagnosis/calibration.py``. The corpus needs
``category`` and ``source_url`` besides what ``bench.evaluate`` reads.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.corpus import CorpusError, read_corpus
from bench.folds import fitted, samples, withheld


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0, or 2 with one line on stderr when the corpus is unusable."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, required=True, help="labelled JSON Lines")
    options = parser.parse_args(argv)
    try:
        rows = read_corpus(options.corpus)
    except CorpusError as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 2
    seen = list(samples(rows, withheld(rows)))
    if not seen:
        print(f"calibrate: {options.corpus}: no labels", file=sys.stderr)
        return 2
    counts = Counter(sample.strength for sample in seen)
    print(f"# {len(rows)} rows of {len({row.page for row in rows})} pages")
    for strength, (claimed, right, unsafe) in fitted(seen).items():
        print(
            f"    Strength(Tier.{strength.tier.name}, acts={strength.acts}): "
            f"Measured({claimed}, {right}, {unsafe}),  # {counts[strength]} verdicts"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
