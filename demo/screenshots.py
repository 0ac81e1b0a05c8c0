"""``python -m demo.screenshots``: pictures of the dashboard for the docs, from the demo's data."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from demo.dashboard import CannotBuild, Npm, build
from demo.processes import ROOT, HostProcess
from demo.stories import STORIES, Scene

_FOLDER = ROOT / "docs" / "screenshots"
_QUIET = {"resolved", "escalated", "closed", "awaiting_approval"}
_PATIENCE_SECONDS = 60.0
_WIDE, _PHONE = (1280, 800), (390, 780)


def main() -> int:
    """Take them all; 0 if that worked."""
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=_FOLDER, help="folder to write to")
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
    with (
        tempfile.TemporaryDirectory() as folder,
        Scene.set_up() as scene,
        HostProcess(Path(folder) / "host", scene.settings()) as host,
    ):
        tickets = _happen(host.url, scene)
        _take(host.url, tickets, chromium, chosen.to)
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


def _take(url: str, tickets: dict[str, str], chromium: str, folder: Path) -> None:
    ticket = tickets["build_features"]
    shots = (
        ("home", "/", "light", _WIDE),
        ("home-dark", "/", "dark", _WIDE),
        ("tickets", "/tickets", "light", _WIDE),
        ("ticket", f"/tickets/{ticket}", "light", _WIDE),
        ("ticket-dark", f"/tickets/{ticket}?tab=activity&view=timeline", "dark", _WIDE),
        ("ticket-phone", f"/tickets/{ticket}", "light", _PHONE),
        ("approvals", "/approvals", "light", _WIDE),
        ("metrics", "/metrics?hours=24", "light", _WIDE),
        ("settings", "/settings", "light", _WIDE),
        ("new-ticket", "/tickets/new", "light", _WIDE),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path, scheme, (width, height) in shots:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(f"{url}{path}")
            page.locator("main h1").wait_for()
            if name == "new-ticket":
                page.get_by_role("button", name="Pipeline failed").click()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
