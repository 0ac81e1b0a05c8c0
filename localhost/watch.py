"""``--watch``: start the host again when the app's files change, for developers.

The host runs in a process of its own, so that a restart begins with fresh imports
and ends like any other stop: running work is let end, and all state is on disk.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_LOOK_SECONDS = 0.5
_SUFFIXES = frozenset({".py", ".json"})
_STOP_SECONDS = 15.0

Stamps = dict[Path, tuple[int, int]]


def watch(command: list[str], folder: Path, *, apart_from: Path) -> int:
    """Run ``command`` again and again until SIGTERM or SIGINT; return its last exit code.

    A host that ends by itself is started again at the next change, so a typo in the app
    costs nothing but its message.

    Args:
        folder: Whose Python and JSON files are looked at.
        apart_from: The data folder, which changes all the time.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    code = 0
    while not stop.is_set():
        before = stamps(folder, apart_from)
        process = subprocess.Popen([sys.executable, *command])  # noqa: S603  our own command line
        while not stop.wait(_LOOK_SECONDS):
            changed = changes(before, stamps(folder, apart_from))
            if changed:
                print(f"\n{', '.join(changed)} changed: starting again", flush=True)
                break
        code = _end(process)
    return code


def stamps(folder: Path, apart_from: Path) -> Stamps:
    """Return size and time of change of every file that a restart would see."""
    found: Stamps = {}
    for path in _files(folder.resolve(), apart_from.resolve()):
        try:
            status = path.stat()
        except OSError:  # deleted between listing and looking
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found


def changes(before: Stamps, after: Stamps) -> list[str]:
    """Return the names of files that came, went or changed."""
    paths = {path for path, stamp in after.items() if before.get(path) != stamp}
    return sorted(path.name for path in paths | (before.keys() - after.keys()))


def _files(folder: Path, apart_from: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path == apart_from or path.name.startswith((".", "__pycache__", "node_modules")):
            continue
        if path.is_dir():
            yield from _files(path, apart_from)
        elif path.suffix in _SUFFIXES:
            yield path


def _end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
