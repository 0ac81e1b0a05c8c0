"""``python -m demo.screenshots``: pictures of the dashboard for the docs, from the demo's data."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from demo.dashboard import CannotBuild, Npm, build
from demo.processes import ROOT, HostProcess
from demo.stories import STORIES, Scene
from shared.domain.approval import Approval
from shared.security.approval_links import ApprovalLinks
from shared.signing import local_keys

_FOLDER = ROOT / "docs" / "screenshots"
_QUIET = {"resolved", "escalated", "closed", "awaiting_approval"}
_PATIENCE_SECONDS = 60.0
_WIDE, _PHONE = (1280, 800), (390, 780)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where, how wide, and what is done before it is taken."""

    name: str
    path: str
    dark: bool = False
    size: tuple[int, int] = _WIDE
    before: Callable[[Page], object] | None = None
    live: bool = True


def main() -> int:
    """Take them all; 0 if that worked."""
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=_FOLDER, help="folder to write to")
    parser.add_argument("--full", action="store_true", help="whole pages, each in both themes")
    chosen = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is missing: apt-get install -y chromium", file=sys.stderr)
        return 1
    try:
        build(Npm())
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    chosen.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Scene.set_up() as scene:
        data = Path(folder) / "host"
        with HostProcess(data, scene.settings()) as host:
            tickets = _happen(host.url, scene)
            shots = _shots(tickets, _link(host.url, data))
            _take(host.url, shots, chromium, chosen.to, full=chosen.full)
    return 0


def _happen(url: str, scene: Scene) -> dict[str, str]:
    """Let all stories happen, wait until they are quiet; return tickets by what they are about."""
    with httpx.Client(base_url=f"{url}/api", timeout=30, trust_env=False) as api:
        for story in STORIES:
            body = story.happen(scene).alert
            api.post(f"/v1/tickets/webhook/{story.source}", content=body).raise_for_status()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            items = api.get("/v1/tickets", params={"limit": 200}).json()["items"]
            if all(one["status"] in _QUIET for one in items) or time.monotonic() > deadline:
                return {one["resource"]["name"]: one["id"] for one in items}
            time.sleep(0.2)


def _link(url: str, data: Path) -> str:
    """Return the signed link of the one question that the stories leave open."""
    with httpx.Client(base_url=f"{url}/api", timeout=30, trust_env=False) as api:
        asked = api.get("/v1/approvals", params={"status": "pending"}).json()["items"][0]
        ticket = api.get(f"/v1/tickets/{asked['ticket_id']}").json()
    approval = Approval.model_validate(ticket["approval"])
    return ApprovalLinks(local_keys(data), "").link(approval)


def _shots(tickets: dict[str, str], link: str) -> tuple[Shot, ...]:
    ticket = f"/tickets/{tickets['build_features']}"
    return (
        Shot("home", "/"),
        Shot("home-dark", "/", dark=True),
        Shot("tickets", "/tickets"),
        Shot("ticket", ticket),
        Shot("ticket-dark", f"{ticket}?tab=activity&view=timeline", dark=True),
        Shot("ticket-phone", ticket, size=_PHONE),
        Shot("approvals", "/approvals"),
        Shot("approvals-phone-dark", "/approvals", dark=True, size=_PHONE),
        Shot("link-phone", link, size=_PHONE, live=False),
        Shot("metrics", "/metrics?hours=24"),
        Shot("settings", "/settings"),
        Shot("settings-change", "/settings", before=_look_at_a_change),
        Shot("connections-dark", "/settings?tab=connections", dark=True, before=_test_all),
        Shot("new-ticket", "/tickets/new", before=_fill),
    )


def _fill(page: Page) -> None:
    page.get_by_role("button", name="Pipeline failed").click()


def _test_all(page: Page) -> None:
    page.get_by_role("button", name="Test all").click()
    page.get_by_text("Everything answers").wait_for()
    page.get_by_text("Everything answers").wait_for(state="detached")


def _look_at_a_change(page: Page) -> None:
    number = page.get_by_label("Confidence threshold, as a number")
    number.fill("0.95")
    page.locator("form", has=number).get_by_role("button", name="Look at the change").click()
    page.get_by_text("Replayed on the last seven days").wait_for()


def _take(url: str, shots: tuple[Shot, ...], chromium: str, folder: Path, *, full: bool) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in shots:
            for dark in (False, True) if full else (shot.dark,):
                width, height = shot.size
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if dark else "light",
                    reduced_motion="reduce",
                )
                page = context.new_page()
                page.goto(f"{url}{shot.path}")
                page.locator("main h1").wait_for()
                if shot.live:
                    page.locator("[data-live=live]").wait_for()
                if shot.before is not None:
                    shot.before(page)
                page.wait_for_load_state("networkidle")
                name = f"{shot.name}-{'dark' if dark else 'light'}" if full else shot.name
                page.screenshot(path=folder / f"{name}.png", full_page=full)
                print(folder / f"{name}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
