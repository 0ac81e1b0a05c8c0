"""Tickets from spreadsheets: every kind of file that people have."""

import json
import time
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.support import settle, violations
from tests.support.mend import Mend


def choose(page: Page, file: Path, text: str) -> None:
    """Give the page a file with this text."""
    file.write_bytes(text.encode())
    page.get_by_label("CSV file").set_input_files(file)


def test_a_spreadsheet(url: str, mend: Mend, open_page: Opener, tmp_path: Path) -> None:
    """Seen before it is sent; a result per line; what looks like a formula stays text."""
    rows = [f'"Late, {number}";low;sales' for number in range(9)]
    text = "\ufefftitle;severity;service\r\n" + "\r\n".join([*rows, "bad;awful;sales"]) + "\r\n"
    file = tmp_path / "late.csv"
    file.write_bytes((text + "=cmd();low;sales\r\n").encode())
    page = open_page(f"{url}/tickets/upload")
    page.get_by_label("CSV file").set_input_files(file)
    expect(page.get_by_role("region", name="Preview").locator("tbody tr")).to_have_count(11)
    expect(page.get_by_text("severity awful is none of")).to_be_visible()
    settle(page)
    assert violations(page) == []
    assert not mend.tickets(q="late", source="csv")
    page.get_by_role("button", name="Send 11 rows").click()
    result = page.get_by_role("region", name="Result per line")
    expect(result.locator("tbody tr")).to_have_count(11)
    expect(result.locator("tr", has_text="severity:")).to_contain_text("11")
    with page.expect_download() as download:
        page.get_by_role("button", name="errors.csv").click()
    assert "severity" in Path(download.value.path()).read_text()
    assert len(mend.tickets(source="csv")) == 10
    assert mend.tickets(source="csv", q="cmd")[0]["title"] == "=cmd()"


def test_what_cannot_be_sent_says_why(
    url: str, mend: Mend, open_page: Opener, tmp_path: Path
) -> None:
    """A column nobody knows, a file without rows, too many of them."""
    before = len(mend.tickets())
    page = open_page(f"{url}/tickets/upload")
    choose(page, tmp_path / "a.csv", "title,colour\nLate,red\n")
    expect(page.locator("main [role=alert]")).to_contain_text("There is no column “colour”.")
    settle(page)
    assert violations(page) == []
    choose(page, tmp_path / "b.csv", "name\nLate\n")
    expect(page.locator("main [role=alert]")).to_contain_text("The column “title” is missing.")
    choose(page, tmp_path / "c.csv", "title\n")
    expect(page.get_by_role("button", name="Send 0 rows")).to_be_disabled()
    choose(page, tmp_path / "d.csv", "title\n" + "Late\n" * 10_001)
    expect(page.locator("main [role=alert]")).to_contain_text("At most 10,000 rows")
    expect(page.get_by_role("button", name="Send 10,001 rows")).to_be_disabled()
    assert len(mend.tickets()) == before


def test_ten_thousand_rows_go_in_parts(url: str, open_page: Opener, tmp_path: Path) -> None:
    """Each part has the head and is sent once; lines are those of the file."""
    page = open_page(f"{url}/tickets/upload")
    parts: list[tuple[str, list[str]]] = []

    def take(route: Route) -> None:
        lines = (route.request.post_data or "").rstrip("\r\n").split("\r\n")
        parts.append((route.request.headers["idempotency-key"], lines))
        rows = [
            {"line": line, "ticket_id": None, "disposition": "", "field": "title", "error": "no"}
            for line in range(2, len(lines) + 1)
        ]
        body = {"accepted": 0, "rejected": len(rows), "rows": rows}
        route.fulfill(status=202, body=json.dumps(body), content_type="application/json")

    page.route("**/v1/tickets/upload-csv", take)
    began = time.monotonic()
    text = "\n".join(f'"Late; ""{number}""";low' for number in range(10_000))
    choose(page, tmp_path / "many.csv", "title;severity\n" + text)
    expect(page.get_by_role("button", name="Send 10,000 rows")).to_be_visible()
    assert time.monotonic() - began < 3
    page.get_by_role("button", name="Send 10,000 rows").click()
    expect(page.get_by_text("0 rows accepted, 10000 rejected").first).to_be_visible()
    assert [len(lines) for _, lines in parts] == [1_001] * 10
    assert len({key for key, _ in parts}) == 10
    assert {lines[0] for _, lines in parts} == {"title,severity"}
    assert parts[9][1][1_000] == '"Late; ""9999""",low'
    rows = page.get_by_role("region", name="Result per line").locator("tbody tr")
    expect(rows).to_have_count(200)
    with page.expect_download() as download:
        page.get_by_role("button", name="errors.csv").click()
    told = Path(download.value.path()).read_text().splitlines()
    assert (len(told), told[1], told[-1]) == (10_001, "2,title,no", "10001,title,no")


def test_the_file_to_fill_in_is_accepted(
    url: str, mend: Mend, open_page: Opener, tmp_path: Path
) -> None:
    """As it is handed out it makes one ticket."""
    page = open_page(f"{url}/tickets/upload")
    with page.expect_download() as download:
        page.get_by_role("button", name="A file to fill in").click()
    choose(page, tmp_path / "own.csv", Path(download.value.path()).read_text())
    page.get_by_role("button", name="Send 1 row").click()
    expect(page.get_by_role("region", name="Result per line")).to_contain_text("Opened")
    ticket = mend.tickets(source="csv", q="sql-prod-01")[0]
    assert ticket["severity"] == "high"
