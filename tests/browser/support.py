"""What several tests ask of a page."""

import json
import time
from functools import cache
from typing import Any

from playwright.sync_api import Page

from demo.dashboard import ROOT
from demo.stories import Scene
from shared.domain.approval import Approval
from shared.security.approval_links import ApprovalLinks
from shared.signing import parse_keys
from simulators.adf.scenarios import SCENARIOS
from tests.support.mend import Mend

KEYS = "k1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="

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


def question(mend: Mend, scene: Scene, name: str) -> dict[str, Any]:
    """Let a pipeline fail and return what is asked about it."""
    run = scene.adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=name)
    ticket = mend.await_ticket(mend.report(run), lambda one: one["status"] == "awaiting_approval")
    return dict(mend.http.get(f"/v1/approvals/{ticket['approval']['id']}").json())


def link(asked: dict[str, Any], **instead: object) -> str:
    """Return the path of the signed link to a question, or to one with other fields."""
    fields = {name: asked[name] for name in Approval.model_fields if name in asked}
    links = ApprovalLinks(parse_keys(KEYS), "")
    return links.link(Approval.model_validate({**fields, **instead}))
