"""Ten thousand tickets without a hitch, and hostile texts that stay texts."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo import dashboard
from tests.browser import seeds
from tests.browser.conftest import Opener
from tests.browser.support import settle, until
from tests.support.mend import Mend

MOST_JS, MOST_LAZY_JS, MOST_CSS = 130_000, 30_000, 12_000
MOST_LCP_MS, MOST_SHIFT, LONG_TASK_MS = 800, 0.02, 50


def test_ten_thousand_are_listed(crowded_url: str, open_page: Opener) -> None:
    """First rows and next pages are quick, few elements, no gap, nothing twice."""
    page = open_page(f"{crowded_url}/tickets?q=load")
    page.wait_for_selector("[data-id]")
    settle(page)
    expect(page.locator("main")).to_contain_text("10,000 tickets")
    seen: list[str] = []
    worst: list[int] = []
    for number in range(1, 9):
        page.evaluate("window.__long = []")
        rows = page.eval_on_selector_all("[data-id]", "all => all.map(e => e.dataset.id)")
        seen += rows
        if number == 4:  # somebody adds one meanwhile
            with Mend(crowded_url) as mend:
                mend.http.post("/v1/tickets", json={"title": "load late arrival"})
        began = page.evaluate("performance.now()")
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(f"Page {number + 1} of 20")).to_be_visible()
        until(page, f"document.querySelector('[data-id]')?.dataset.id !== '{rows[0]}'")
        assert page.evaluate("performance.now()") - began < 600
        worst.append(max(page.evaluate("window.__long"), default=0))
    assert len(seen) == len(set(seen)) == 400
    assert seen == sorted(seen)  # the newest have the smallest numbers
    assert page.evaluate("document.querySelectorAll('*').length") <= 3_000
    for _ in range(8):
        page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("Page 1 of")).to_be_visible()
    page.get_by_label("Search tickets").fill("load_01234")
    expect(page.locator("[data-id]")).to_have_count(1)
    # What is long of itself is long each time; what else this machine does is not.
    assert sorted(worst)[len(worst) // 2] <= LONG_TASK_MS, worst


def test_every_page_of_ten_thousand(crowded_url: str) -> None:
    """By the API alone: all pages, no gap, nothing twice."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    with Mend(crowded_url) as mend:
        while True:
            params = {"limit": "200", "to": "2099-01-01", "q": "load_0", **cursor}
            body = mend.http.get("/v1/tickets", params=params).json()
            found += [one["id"] for one in body["items"]]
            if body["next_cursor"] is None:
                break
            cursor = {"cursor": body["next_cursor"]}
    assert len(found) == len(set(found)) >= seeds.MANY


def _unharmed(page: Page, texts: list[str]) -> None:
    settle(page)
    assert page.evaluate("window.__xss") is None
    harm = "img[src=x], main iframe, main script, main object, main embed, main base, main style"
    assert page.locator(harm).count() == 0
    assert page.locator("a[href^='javascript:'], a[href^='data:']").count() == 0
    shown = page.evaluate("document.querySelector('main').textContent.replace(/\\s+/g, ' ')")
    missing = [one for one in texts if " ".join(one.split()) not in shown]
    assert missing == []


def test_hostile_texts_stay_texts(crowded_url: str, open_page: Opener) -> None:
    """Two hundred payloads in every free text of a ticket, on every page that shows one."""
    payloads = seeds.payloads()
    assert len(payloads) == 200
    page = open_page(f"{crowded_url}/tickets?q=script")
    _unharmed(page, [])
    for number in range(0, 200, 20):
        texts = payloads[number : number + 20]
        ticket = f"TIK-20260202-{number:06d}"
        for tab in ("overview", "activity&view=all", "attempts", "raw"):
            page.goto(f"{crowded_url}/tickets/{ticket}?tab={tab}")
            page.wait_for_selector("main h1")
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            raw = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
            _unharmed(page, raw if tab == "raw" else texts)
    for path in ("/", "/tickets?severity=critical", "/audit?actor=x", "/signatures", "/metrics"):
        page.goto(f"{crowded_url}{path}")
        page.wait_for_selector("main h1")
        _unharmed(page, [])
    page.goto(f"{crowded_url}/tickets?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.__xss%3D1%3E")
    page.wait_for_selector("main h1")
    _unharmed(page, [])


@pytest.mark.parametrize(
    "path",
    ["/", "/tickets", "/metrics", "/settings", "/settings?tab=connections", "/approvals",
     "/tickets/new", "/tickets/upload", "/intake", "/audit", "/signatures", "ticket"],
)  # fmt: skip
def test_the_budget_of_a_page(
    url: str, mend: Mend, open_page: Opener, path: str, record_property: Callable[..., None]
) -> None:
    """Bytes of scripts on a first load, the largest paint, and how much moves."""
    if path == "ticket":
        path = f"/tickets/{mend.tickets(status='resolved')[0]['id']}"
    paints = []
    for _ in range(3):
        page = open_page(f"{url}{path}")
        settle(page)
        scripts = page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.name.includes('/assets/')"
            " && one.name.endsWith('.js')).reduce((sum, one) => sum + one.encodedBodySize, 0)"
        )
        page.wait_for_timeout(150)
        paints.append(page.evaluate("window.__lcp"))
        shift = page.evaluate("window.__shift")
        assert 0 < scripts <= MOST_JS, f"{path}: {scripts} bytes of scripts"
        assert shift <= MOST_SHIFT, f"{path}: moves by {shift}"
        page.context.close()
    # The best of three: what else this machine does makes a paint later, and never earlier.
    assert min(paints) <= MOST_LCP_MS, f"{path}: {paints} ms"
    record_property("figures", f"{path}: {scripts} B, {min(paints):.0f} ms, {shift:.4f}")


def test_the_budget_of_the_files(built: Path) -> None:
    """Each lazy part is small, and so is the style."""
    sizes = {
        file.name: len(gzip.compress(file.read_bytes(), 9)) for file in (built / "assets").iterdir()
    }
    style = [size for name, size in sizes.items() if name.endswith(".css")]
    shared = ("react-", "tanstack-", "index-", "kit-")
    lazy = {
        name: size
        for name, size in sizes.items()
        if name.endswith(".js") and not name.startswith(shared)
    }
    assert sum(style) <= MOST_CSS
    assert {name: size for name, size in lazy.items() if size > MOST_LAZY_JS} == {}


def test_the_client_fits_the_api(built: Path) -> None:
    """The types are made of docs/openapi.json and checked against every use."""
    assert built.is_dir()
    npm = dashboard.Npm()
    npm.run("run", "--silent", "schema")
    npm.run("run", "--silent", "check")


def test_the_same_sources_build_the_same_files(built: Path, tmp_path: Path) -> None:
    """Twice, to the byte; and what is generated from the API's description is reproduced."""
    npm = dashboard.Npm()
    types = dashboard.ROOT / "src" / "api" / "schema.d.ts"
    before = types.read_bytes()
    npm.run("run", "--silent", "schema")
    assert types.read_bytes() == before
    hashes = []
    for number in range(2):
        out = tmp_path / str(number)
        npm.run("exec", "--offline", "--", "vite", "build", "--logLevel", "error",
                "--outDir", str(out), "--emptyOutDir")  # fmt: skip
        hashes.append(hashes_of(out))
    stamp = built / ".stamp"
    assert hashes[0] == hashes[1] != {}
    assert stamp.is_file()
    assert hashes[0] == {name: one for name, one in hashes_of(built).items() if name != ".stamp"}


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the hash of each file."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_lock_file_names_every_platform_and_no_registry() -> None:
    """``npm ci`` works elsewhere: all optional packages are locked, none by a private address."""
    lock = json.loads((dashboard.ROOT / "package-lock.json").read_text())
    names = {path.rpartition("node_modules/")[2] for path in lock["packages"]}
    wanted = {
        name for one in lock["packages"].values() for name in one.get("optionalDependencies", {})
    }
    addresses = {one["resolved"] for one in lock["packages"].values() if "resolved" in one}
    assert wanted <= names
    assert all(one.startswith("https://registry.npmjs.org/") for one in addresses)
