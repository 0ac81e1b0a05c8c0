"""What several tests ask of a page."""

import json
import time
from functools import cache
from typing import Any

from playwright.sync_api import Page

from demo.dashboard import ROOT

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PAGES = (
    "/",
    "/tickets",
    "/tickets/new",
    "/tickets/upload",
    "/approvals",
    "/metrics",
    "/signatures",
    "/intake",
    "/audit",
    "/settings",
    "/runbooks",
    "/executions",
    "/connectors",
    "/no-such-page",
)


@cache
def _axe() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    asked = {"runOnly": TAGS, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate(f"axe.run(document, {json.dumps(asked)})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def until(page: Page, condition: str, seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds in the page.

    Playwright's own way evaluates it inside the page, which the policy forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never so: {condition}"
        page.wait_for_timeout(20)


def settle(page: Page) -> None:
    """Wait until nothing is loading."""
    idle = "document.querySelector('[data-fetching=\"0\"]')"
    until(page, f"Boolean({idle} && !document.querySelector('[aria-busy]'))")
