"""Policy and settings: looked at before they are saved, tried, taken back; no secret anywhere."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect

from demo.processes import HostProcess
from demo.stories import Scene
from tests.browser.conftest import Complaints, Opener
from tests.browser.support import settle, violations
from tests.support.mend import Mend

CANARY = "planted-secret-7f3a"


def test_mode_and_threshold(url: str, mend: Mend, open_page: Opener) -> None:
    """To Auto only after typing it, with what it means; thresholds stay between 0 and 1."""
    page = open_page(f"{url}/settings")
    page.get_by_role("button", name="Switch to HIL").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch to HIL").click()
    page.get_by_role("button", name="Switch to Auto").click()
    dialog = page.get_by_role("dialog", name="Let Mend act alone?")
    expect(dialog).to_contain_text("wait for approval now")
    confirm = dialog.get_by_role("button", name="Switch to Auto")
    assert confirm.is_disabled()
    dialog.get_by_label(re.compile("to confirm")).fill("Auto")
    confirm.click()
    page.locator("dialog[open]").wait_for(state="detached")
    page.get_by_role("button", name="Switch to HIL").wait_for()
    assert mend.http.get("/v1/settings/execution-mode").json()["mode"] == "auto"
    number = page.get_by_label("Confidence threshold, as a number")
    number.fill("7")
    assert number.input_value() == "1"
    number.fill("0.85")
    page.locator("form", has=number).get_by_role("button", name="Look at the change").click()
    expect(page.get_by_role("dialog")).to_contain_text("0.85")
    expect(page.get_by_role("dialog")).to_contain_text("would come out differently")
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    page.locator("dialog[open]").wait_for(state="detached")
    assert mend.http.get("/v1/settings/execution-mode").json()["confidence_threshold"] == 0.85
    page.goto(f"{url}/audit?subject=settings%2Fexecution-mode")
    expect(page.locator("tbody tr").last).to_contain_text("settings.changed")


def test_the_kill_switch(url: str, mend: Mend, open_page: Opener) -> None:
    """Asked about twice, with a reason, and seen on every page."""
    page = open_page(f"{url}/settings")
    page.get_by_role("button", name="Stop everything").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("somebody is moving the warehouse")
    dialog.get_by_label(re.compile("to confirm")).fill("stop")
    dialog.get_by_role("button", name="Turn the kill switch on").click()
    expect(page.get_by_text("Kill switch is on:")).to_be_visible()
    switch = mend.http.get("/v1/settings/kill-switch").json()
    assert (switch["on"], switch["reason"]) == (True, "somebody is moving the warehouse")
    page.goto(f"{url}/tickets/new")
    expect(page.get_by_text("somebody is moving the warehouse")).to_be_visible()
    mend.put("kill-switch", {"on": False, "reason": ""})


def test_limits_are_compared_before_they_are_saved(url: str, mend: Mend, open_page: Opener) -> None:
    """What it is and what it will be; the rest of the policy stays."""
    page = open_page(f"{url}/settings")
    page.get_by_label("Attempts per hour, all together").fill("1234")
    form = page.locator("form", has=page.get_by_label("Attempts per hour, all together"))
    form.get_by_role("button", name="Look at the change").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("del")).to_have_text("2000")
    expect(dialog.locator("ins")).to_have_text("1234")
    dialog.get_by_role("button", name="Save").click()
    page.locator("dialog[open]").wait_for(state="detached")
    page.get_by_role("link", name="Targets and times").click()
    page.get_by_label("Pipeline or job", exact=True).fill("load_orders")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("dialog[open]").wait_for(state="detached")
    policy = mend.http.get("/v1/settings/policy").json()
    assert policy["attempts_per_hour"] == 1234
    assert policy["rerun_safety"] == {"load_orders": "idempotent"}
    mend.put("policy", {"attempts_per_hour": 2000, "rerun_safety": {}})


def test_narrow_stops_and_freezes(url: str, mend: Mend, open_page: Opener) -> None:
    """One pipeline is stopped and let go; a freeze is declared and taken away."""
    page = open_page(f"{url}/settings")
    page.get_by_label("Its name").fill("load_orders")
    page.get_by_role("button", name="Stop …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("its source is being moved")
    dialog.get_by_role("button", name="Turn the kill switch on").click()
    expect(page.get_by_text("Stopped: target:load_orders")).to_be_visible()
    page.get_by_role("button", name="Turn target:load_orders off").click()
    dialog.get_by_label("Reason").fill("it has been moved")
    dialog.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_text("Stopped: target:load_orders")).to_be_hidden()
    page.get_by_role("link", name="Targets and times").click()
    page.get_by_text("Add one").click()
    page.get_by_label("Called").fill("year end")
    page.get_by_label("From", exact=True).fill("2026-12-30T00:00")
    page.get_by_label("Until").fill("2027-01-02T00:00")
    page.get_by_label("Environments", exact=True).fill("prod")
    form = page.locator("form", has=page.get_by_label("Called"))
    form.get_by_role("button", name="Look at the change").click()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Remove year end").wait_for()
    freezes = mend.http.get("/v1/settings/policy").json()["freezes"]
    assert [(one["name"], one["environments"]) for one in freezes] == [("year end", ["prod"])]
    settle(page)
    assert violations(page) == []
    page.get_by_role("button", name="Remove year end").click()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Remove year end").wait_for(state="detached")


def save(page: Page, label: str = "Save") -> None:
    """Agree to what is asked, and wait until it is done."""
    page.get_by_role("dialog").get_by_role("button", name=label).click()
    page.locator("dialog[open]").wait_for(state="detached")


def test_a_change_is_replayed_before_it_is_saved(url: str, mend: Mend, open_page: Opener) -> None:
    """The decisions that would come out differently are the API's, each with its reason."""
    page = open_page(f"{url}/settings")
    high = page.get_by_role("group", name="Threshold").get_by_label("High")
    high.fill("1")
    form = page.locator("form", has=page.get_by_role("group", name="Threshold"))
    form.get_by_role("button", name="Look at the change").click()
    change = {"policy": {"confidence_by_severity": {"high": 1}}}
    found = mend.http.post("/v1/policy/replay", json=change).json()
    assert found["totals"]["changed"] > 0
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{found['totals']['changed']} would come out differently")
    changed = dialog.get_by_role("list", name="Decisions that change").get_by_role("listitem")
    expect(changed).to_have_count(min(20, len(found["changes"])))
    expect(changed.first).to_contain_text("of the cause")
    assert violations(page) == []
    assert mend.http.get("/v1/settings/policy").json()["confidence_by_severity"] == {}
    save(page)
    policy = mend.http.get("/v1/settings/policy").json()
    assert policy["confidence_by_severity"] == {"high": 1}
    high.fill("")
    page.get_by_role("group", name="SLA, in minutes").get_by_label("Critical").fill("15")
    form.get_by_role("button", name="Look at the change").click()
    expect(dialog.locator("ins")).to_have_text(["usual", "15 min"])
    save(page)
    policy = mend.http.get("/v1/settings/policy").json()
    assert policy["confidence_by_severity"] == {}
    assert policy["sla_minutes_by_severity"] == {"critical": 15}
    mend.put("policy", {"sla_minutes_by_severity": {}})


def test_actions_risks_and_what_was_before(url: str, mend: Mend, open_page: Opener) -> None:
    """What may be done to a target, what an environment risks; every version can be taken back."""
    page = open_page(f"{url}/settings?tab=targets")
    page.get_by_text("Allow only some").click()
    page.get_by_label("Of this pipeline or job").fill("billing")
    for action in page.get_by_role("group", name="Mend may").get_by_role("checkbox").all()[1:]:
        action.uncheck()
    form = page.locator("form", has=page.get_by_label("Of this pipeline or job"))
    form.get_by_role("button", name="Look at the change").click()
    save(page)
    page.get_by_label("Environment", exact=True).fill("prod")
    page.get_by_role("button", name="Set …").click()
    save(page)
    policy = mend.http.get("/v1/settings/policy").json()
    assert policy["allowed_actions"] == {"billing": ["rerun_from_failure"]}
    assert policy["environment_risk"] == {"prod": "high"}
    settle(page)
    assert violations(page) == []
    page.get_by_role("link", name="History").click()
    versions = page.locator("[data-version]")
    expect(versions.first).to_contain_text("Environment risk")
    expect(versions.first.locator("ins")).to_have_text("prod: High")
    settle(page)
    assert violations(page) == []
    newest = mend.http.get("/v1/settings/policy/versions").json()["items"][0]
    assert versions.first.get_attribute("data-version") == str(newest["version"])
    page.get_by_role("button", name=f"Take back version {newest['version']} …").click()
    save(page, "Take back")
    assert mend.http.get("/v1/settings/policy").json()["environment_risk"] == {}
    mend.put("policy", {"allowed_actions": {}})


def test_who_was_slower_writes_over_nothing(
    url: str, mend: Mend, complaints: Complaints, open_page: Opener
) -> None:
    """A policy that has changed since it was looked at is looked at again."""
    complaints.expected.append("412")
    page = open_page(f"{url}/settings")
    page.get_by_label("Attempts at once, all together").fill("150")
    form = page.locator("form", has=page.get_by_label("Attempts at once, all together"))
    form.get_by_role("button", name="Look at the change").click()
    expect(page.get_by_role("dialog")).to_contain_text("Replayed")
    mend.put("policy", {"running": 170}).raise_for_status()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("look at it again")
    assert mend.http.get("/v1/settings/policy").json()["running"] == 170
    dialog.get_by_role("button", name="Not now").click()
    expect(form.get_by_text("Now 170")).to_be_visible()
    mend.put("policy", {"running": 200})


@pytest.fixture(scope="module")
def secretive_url(
    built: object, scene: Scene, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Yield a host with a planted word in every secret."""
    assert built
    settings = {
        **scene.settings(),
        "MEND_ADF_TOKEN": f"{CANARY}-adf",
        "MEND_DATABRICKS_HOST": "http://127.0.0.1:9",  # nobody listens at the discard port
        "MEND_DATABRICKS_TOKEN": f"{CANARY}-databricks",
        "MEND_TEAMS_WEBHOOK_URL": f"{scene.adf.url}/workflow?sig={CANARY}-teams",
        "MEND_SLACK_TOKEN": f"{CANARY}-slack",
        "MEND_SLACK_CHANNEL": "C0001",
        "MEND_SLACK_BASE_URL": f"{scene.adf.url}/api/",
        "MEND_LLM_BASE_URL": f"{scene.adf.url}/v1/",
        "MEND_LLM_MODEL": "small",
        "MEND_LLM_API_KEY": f"{CANARY}-model",
        "MEND_WEBHOOK_SECRETS": f'{{"datadog": "{CANARY}-datadog-long-enough"}}',
    }
    with HostProcess(tmp_path_factory.mktemp("secretive") / "data", settings) as host:
        yield host.url


def test_connections_are_tried_and_no_secret_leaves(secretive_url: str, open_page: Opener) -> None:
    """Each check says whether it went well, or what to do; what was planted is nowhere."""
    page = open_page(f"{secretive_url}/settings?tab=connections")
    texts: list[str] = []

    def note(response: Response) -> None:
        if "/api/" in response.url:
            texts.append(response.text())

    page.on("response", note)
    page.get_by_role("button", name="Test Azure Data Factory").click()
    factory = page.locator("[data-connection=adf]")
    expect(factory).to_contain_text("Works,")
    for check in ("Answers", "Accepts the credential", "Lets Mend read"):
        expect(factory.get_by_role("listitem").filter(has_text=check)).to_contain_text("yes")
    page.get_by_role("button", name="Test Databricks").click()
    workspace = page.locator("[data-connection=databricks]")
    expect(workspace).to_contain_text("Does not work")
    expect(workspace).to_contain_text("Look at MEND_DATABRICKS_HOST and MEND_DATABRICKS_TOKEN")
    page.get_by_role("button", name="Test all").click()
    expect(page.get_by_text(re.compile("of . do not work"))).to_be_visible(timeout=20_000)
    settle(page)
    assert violations(page) == []
    shown = [page.content()]
    for path in ("/", "/settings", "/settings?tab=targets", "/settings?tab=history", "/audit",
                 "/intake", "/connectors"):  # fmt: skip
        page.goto(f"{secretive_url}{path}")
        page.wait_for_selector("main h1")
        settle(page)
        shown.append(page.content())
    assert len(texts) > 15
    assert [one for one in (*texts, *shown) if CANARY in one] == []


def test_every_settings_page_is_accessible_in_the_dark(
    url: str, mend: Mend, open_page: Opener
) -> None:
    """With something in each list."""
    mend.put("policy", {"rerun_safety": {"load_orders": "never"}, "environment_risk": {"p": "low"}})
    page = open_page(url, color_scheme="dark")
    wrong: dict[str, list[str]] = {}
    for tab in ("decide", "targets", "connections", "history"):
        page.goto(f"{url}/settings?tab={tab}")
        page.wait_for_selector("main h1")
        settle(page)
        assert page.locator("nav[aria-label='Which settings'] [aria-current=page]").count() == 1
        if found := violations(page):
            wrong[tab] = found
    assert wrong == {}
    mend.put("policy", {"rerun_safety": {}, "environment_risk": {}})
