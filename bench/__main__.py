"""``python -m bench``: measure, print one JSON line per figure, explain on stderr."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from bench import machine
from bench.figure import Figure
from bench.registry import BENCHMARKS, Benchmark
from bench.setting import ROOT, Setting

_RIVALS_PYTHON = "BENCH_RIVALS_PYTHON"
_RIVALS_DEFAULT = ROOT / ".venv-bench" / "bin" / "python"
_IN_MEMORY = ("tmpfs", "ramfs")

_DESCRIPTION = """\
Measure the local Functions and Durable host, and Mend on it. Each figure is one JSON line
on stdout: median `value` of `runs`, `low`, `high`, `goal` and whether it is `met`, and
`others_percent`, the share of all cores that other processes used meanwhile. What is not
measured on an idle machine belongs to nobody: look at that share first.
"""

_EPILOG = f"""\
Ratios need the rivals (requirements-bench.txt) in an environment of their own:
  python3 -m venv .venv-bench && .venv-bench/bin/pip install -r requirements-bench.txt
They are found there, or by --rivals-python, or by {_RIVALS_PYTHON}.

benchmarks:
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks; 1 when one of them could not be measured."""
    options = _parser().parse_args(arguments)
    chosen = [one for one in BENCHMARKS if not options.only or one.name in options.only]
    rivals = _rivals(options.rivals_python)
    options.data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=options.data))
    begun = time.monotonic()
    try:
        _print(machine.describe(folder))
        if machine.filesystem(folder) in _IN_MEMORY:
            _say(f"{folder} is in memory: fsync costs nothing there. Choose another --data.")
        failed = [
            one.name
            for one in chosen
            if not _measure(one, Setting(options.quick, folder / one.name, rivals))
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _say(f"done in {time.monotonic() - begun:.0f} s")
    if failed:
        _say(f"could not be measured: {', '.join(failed)}")
    return 1 if failed else 0


def _measure(benchmark: Benchmark, setting: Setting) -> bool:
    """Print the figures of one benchmark; False when it broke off."""
    _say(f"{benchmark.name}: {benchmark.summary}")
    setting.folder.mkdir()
    meter, begun = machine.Meter.start(), time.monotonic()
    figures: list[Figure] = []
    whole = True
    try:
        figures.extend(benchmark.run(setting))
    except Exception as error:  # noqa: BLE001  the others can still be measured
        traceback.print_exc()
        print(json.dumps({"figure": benchmark.name, "error": str(error)}), flush=True)
        whole = False
    others = meter.others_percent()
    for figure in figures:
        _print(figure, others_percent=others)
    seconds = time.monotonic() - begun
    _say(f"{benchmark.name} took {seconds:.0f} s; others used {others} % of the machine\n")
    shutil.rmtree(setting.folder, ignore_errors=True)
    return whole


def _rivals(given: Path | None) -> Path | None:
    """Return an interpreter that can run the rivals, or say what will be missing."""
    python = given or Path(os.environ.get(_RIVALS_PYTHON) or _RIVALS_DEFAULT)
    try:
        subprocess.run([python, "-c", "import dbos, durabletask"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        _say(f"no rivals: {python} does not run them. Ratios are left out; see --help.\n")
        return None
    return python


def _print(figure: Figure, **more: object) -> None:
    print(figure.to_json(**more), flush=True)
    _say(figure.sentence())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=_DESCRIPTION,
        epilog=_EPILOG + "\n".join(f"  {one.name:<14} {one.summary}" for one in BENCHMARKS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[one.name for one in BENCHMARKS],
        metavar="NAME",
        help="one benchmark; may be repeated",
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller counts: under a minute, more noise"
    )
    parser.add_argument(
        "--rivals-python",
        type=Path,
        metavar="FILE",
        help="interpreter with requirements-bench.txt (default: .venv-bench/bin/python)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".data" / "bench",
        metavar="FOLDER",
        help="where to write; the disk below it is measured (default: .data/bench)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
