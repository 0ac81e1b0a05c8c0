"""Keys that callers show when the host runs with ``--auth``, as on Azure.

    anonymous   everybody
    function    the function's key, the host key or the master key
    admin       the master key
    system      the key of an extension (the durable client's URLs carry it), or the master key

Keys are made at random on first use and kept in a file that only its owner can read.
"""

import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request

SYSTEM_KEY = "durabletask_extension"
_HEADER = "x-functions-key"


class Keys:
    """The keys in one file.

    Raises:
        ValueError: the file is there but is not ours.
    """

    def __init__(self, path: Path, functions: Iterable[str]) -> None:
        self._path = path
        content = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if not isinstance(content, dict):
            raise ValueError(f"{path} must contain a JSON object")  # noqa: TRY004  the file's fault
        self.master: str = content.setdefault("master", _new_key())
        self.host: str = content.setdefault("host", _new_key())
        self.system: str = content.setdefault("system", {}).setdefault(SYSTEM_KEY, _new_key())
        self._functions: dict[str, str] = content.setdefault("functions", {})
        for name in functions:
            self._functions.setdefault(name, _new_key())
        _write(path, content)

    def function(self, name: str) -> str:
        """Return the key of one function."""
        return self._functions[name]

    def allows(self, request: Request, level: str, function: str = "") -> bool:
        """Return whether ``request`` shows a key that is good for ``level``."""
        if level == "anonymous":
            return True
        good = [self.master]
        if level == "function":
            good += [self.host, self._functions[function]]
        elif level == "system":
            good.append(self.system)
        shown = request.headers.get(_HEADER) or request.query_params.get("code") or ""
        # Every comparison is made, each in constant time.
        matches = [hmac.compare_digest(shown.encode(), key.encode()) for key in good]
        return any(matches)


def _new_key() -> str:
    return secrets.token_urlsafe(40)


def _write(path: Path, content: object) -> None:
    """Replace the file; it is private from its first byte on."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
