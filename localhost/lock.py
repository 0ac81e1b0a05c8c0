"""One host per data folder: two on one hub would run every activity twice."""

import fcntl
import os
from pathlib import Path


class Locked(Exception):
    """Another host uses the folder."""


class FolderLock:
    """Holds ``<folder>/host.lock`` until released or the process ends, however it ends.

    Raises:
        Locked: somebody else holds it; the message names the process when it is known.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "host.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            who = f"process {owner}" if owner else "another process"
            raise Locked(
                f"{folder} is in use by {who}: stop it, or choose another folder with --data"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Let the next host in."""
        os.close(self._descriptor)
