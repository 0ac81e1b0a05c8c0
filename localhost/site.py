"""A folder of built web pages, served as Azure Static Web Apps would serve it.

``staticwebapp.config.json`` in the folder says which headers answers carry and which paths
are pages of a single-page app; both hosts read the same file, so they cannot drift apart.
Roles and sign-in are not looked at: this host is for one machine.

The folder is read anew when it changes: it may be built while the host runs.
"""

import gzip
import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

_CONFIG = "staticwebapp.config.json"
_PRIVATE = frozenset({_CONFIG})
_MIN_GZIP_BYTES = 1_024
_TEXT = re.compile(r"text/|.*(javascript|json|xml|svg)")

_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not built yet</title></head><body>
<main><h1>The pages are not built yet</h1>
<p>There is nothing in <code>{folder}</code>. They may be on their way: look again in a minute.
Otherwise build them (<code>make dashboard</code>) and reload; the host need not start again.</p>
<p>Everything else works: the API is at <a href="/api/health">/api</a>.</p></main>
</body></html>
"""
_NOT_BUILT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Retry-After": "10",
}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the configuration says, as far as it matters here."""

    headers: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...] = ()
    fallback: str | None = None
    no_fallback: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Page:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes | None
    etag: str
    media_type: str


class Site:
    """Answers for everything that no function answers for.

    Args:
        folder: Where the built files are, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._rules: tuple[int, _Rules] = (-1, _Rules())
        self._pages: dict[Path, tuple[int, _Page]] = {}

    def answer(self, request: Request, path: str) -> Response | None:
        """Return the answer; ``None`` if nothing of the site is meant."""
        if request.method not in ("GET", "HEAD"):
            return None
        rules = self._read_rules()
        wanted = unquote(path)
        said = next((rule for pattern, rule in rules.routes if pattern.fullmatch(wanted)), {})
        found = self._file(str(said.get("rewrite", wanted)))
        if found is None and rules.fallback and not _any(rules.no_fallback, wanted):
            found = self._file(rules.fallback)
        if found is None:
            is_front = wanted.strip("/") == ""
            return self._not_built() if is_front and not self._file("/index.html") else None
        headers = {**rules.headers, **said.get("headers", {})}
        return _sent(self._page(found), request, headers)

    def missing(self) -> Response:
        """Return the answer for a path that is nobody's, with the headers of the site."""
        return Response(status_code=404, headers=dict(self._read_rules().headers))

    def _not_built(self) -> Response:
        text = _NOT_BUILT.format(folder=self._folder.name)
        return Response(text, 503, _NOT_BUILT_HEADERS, "text/html")

    def _file(self, path: str) -> Path | None:
        relative = path.strip("/") or "index.html"
        if "\0" in relative or relative in _PRIVATE or relative.startswith("."):
            return None
        found = (self._folder / relative).resolve()
        return found if found.is_relative_to(self._folder) and found.is_file() else None

    def _page(self, path: Path) -> _Page:
        changed = path.stat().st_mtime_ns
        known = self._pages.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        body = path.read_bytes()
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        packs = len(body) >= _MIN_GZIP_BYTES and _TEXT.match(media_type) is not None
        page = _Page(
            body=body,
            packed=gzip.compress(body, mtime=0) if packs else None,
            etag=f'W/"{hashlib.sha256(body).hexdigest()[:24]}"',
            media_type=media_type,
        )
        self._pages[path] = (changed, page)
        return page

    def _read_rules(self) -> _Rules:
        path = self._folder / _CONFIG
        try:
            changed = path.stat().st_mtime_ns
            if self._rules[0] != changed:
                self._rules = (changed, _rules(json.loads(path.read_text())))
        except (OSError, ValueError):
            self._rules = (-1, _Rules())
        return self._rules[1]


def _sent(page: _Page, request: Request, headers: Mapping[str, str]) -> Response:
    headers = {"ETag": page.etag, "Vary": "Accept-Encoding", **headers}
    if page.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = page.body
    if page.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = page.packed, "gzip"
    return Response(body, 200, headers, page.media_type)


def _rules(config: Mapping[str, Any]) -> _Rules:
    fallback = config.get("navigationFallback", {})
    return _Rules(
        headers=dict(config.get("globalHeaders", {})),
        routes=tuple((_pattern(rule["route"]), rule) for rule in config.get("routes", ())),
        fallback=fallback.get("rewrite"),
        no_fallback=tuple(_pattern(one) for one in fallback.get("exclude", ())),
    )


def _pattern(text: str) -> re.Pattern[str]:
    """Return a route such as ``/assets/*`` or ``/*.{svg,png}`` as a pattern."""
    escaped = re.escape(text).replace(r"\*", ".*")
    return re.compile(
        re.sub(r"\\\{([^}]*)\\\}", lambda found: f"(?:{found[1].replace(',', '|')})", escaped)
    )


def _any(patterns: tuple[re.Pattern[str], ...], path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in patterns)
