"""The provider's own pages: plain, for the person who tries things out and for browser tests."""

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlencode

from simulators.identity.scripts import PersonScript

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,"></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""


def choice(path: str, asked: Mapping[str, str], people: Iterable[PersonScript]) -> str:
    """Return the page that asks who it is: a link per person."""
    kept = {name: value for name, value in asked.items() if name != "prompt"}
    links = "".join(_link(path, kept, one) for one in people)
    return _page("Simulated sign-in", f"<ul>{links}</ul>" if links else "<p>Nobody is here.</p>")


def trouble(message: str) -> str:
    """Return the page for what must not be told to the app."""
    return _page("Sorry, but we are having trouble signing you in", f"<p>{escape(message)}</p>")


def signed_out() -> str:
    """Return the page at the end of a session."""
    return _page("You signed out of your account", "<p>You may close this window.</p>")


def _link(path: str, asked: Mapping[str, str], person: PersonScript) -> str:
    address = escape(f"{path}?{urlencode({**asked, 'login_hint': person.username})}")
    roles = escape(", ".join(person.roles) or "no role")
    return f'<li><a href="{address}">{escape(person.name or person.username)}</a> {roles}</li>'


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=title, body=body)
