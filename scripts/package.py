"""Build the package that is deployed, from a list of what may be in it, and report its size.

    python -m scripts.package                  writes dist/mend.zip
    python -m scripts.package --ignore-file    writes .funcignore from the same list, for azd

Nothing is in it that is not on the list: no tests, no simulators, no local host, no data, no
settings. The same files give the same bytes. Libraries are installed on Azure (remote build).
"""

import argparse
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IGNORED = ".funcignore"
FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDERS = ("activities", "orchestrators", "shared", "triggers")
# Packages of Python, and the data that they read.
SUFFIXES = (".html", ".json", ".md", ".py", ".txt")
# The beginning of the ZIP format's calendar.
_TIME = (1980, 1, 1, 0, 0, 0)


def contents(root: Path = ROOT) -> list[Path]:
    """Return the files of the package, relative to ``root``, in order."""
    found = [Path(name) for name in FILES]
    for folder in FOLDERS:
        found += [
            path.relative_to(root)
            for path in sorted((root / folder).rglob("*"))
            if path.is_file() and path.suffix in SUFFIXES
        ]
    return found


def build(target: Path, root: Path = ROOT) -> int:
    """Write the package and return its size in bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in contents(root):
            entry = zipfile.ZipInfo(path.as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (root / path).read_bytes())
    return target.stat().st_size


def ignore_file() -> str:
    """Return the same list for tools that only know what to leave out."""
    kept = [f"!/{name}" for name in (*FILES, *(f"{folder}/" for folder in FOLDERS))]
    head = "# Written by scripts/package.py --ignore-file: all but what the app needs stays here."
    return "\n".join([head, "/*", *kept, "__pycache__/", "*.pyc", ""])


def main(arguments: list[str] | None = None) -> int:
    """Build it and print what it has become."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", type=Path, default=ROOT / "dist" / "mend.zip")
    parser.add_argument("--ignore-file", action="store_true", help=f"write {IGNORED} instead")
    chosen = parser.parse_args(arguments)
    if chosen.ignore_file:
        (ROOT / IGNORED).write_text(ignore_file(), encoding="utf-8")
        return 0
    size = build(chosen.target)
    print(f"{chosen.target}: {len(contents())} files, {size / 1024:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
