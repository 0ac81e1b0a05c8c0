"""Reading tickets, switching settings, and what a host says about itself."""

from pathlib import Path

import pytest

from demo.processes import HostDidNotStart, HostProcess
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator
from tests.support.mend import Mend, brisk


def test_health_and_readiness(mend: Mend) -> None:
    """Alive without conditions, ready with each dependency named."""
    assert mend.http.get("/health").json() == {"status": "ok"}
    ready = mend.http.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"settings": "ok", "store": "ok", "canary": "ok"}


def test_a_ticket_is_cached_by_its_version(adf: AdfSimulator, mend: Mend) -> None:
    """An unchanged ticket costs a 304."""
    ticket_id = mend.report(adf.seed_scenario(SCENARIOS["cancelled_by_user"]))
    mend.await_end(ticket_id)

    first = mend.http.get(f"/v1/tickets/{ticket_id}")
    etag = first.headers["etag"]
    second = mend.http.get(f"/v1/tickets/{ticket_id}", headers={"If-None-Match": etag})

    assert etag == f'"{first.json()["version"]}"'
    assert (second.status_code, second.content) == (304, b"")


def test_a_ticket_leads_to_its_runs(adf: AdfSimulator, mend: Mend) -> None:
    """The links of a ticket can be followed: itself, its timeline, the runs in the portal."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"])
    ticket = mend.await_end(mend.report(run))

    assert mend.http.get(ticket["links"]["self"]).json() == ticket
    assert mend.http.get(ticket["links"]["events"]).status_code == 200
    assert run.run_id in ticket["links"]["failed_run"]
    assert ticket["attempts"][0]["external_run_id"] in ticket["links"]["attempt_1"]


def test_lists_filter_and_page(adf: AdfSimulator, mend: Mend) -> None:
    """A page holds what was asked for; the cursor leads to the rest without repeats."""
    for number in range(3):
        run = adf.seed_run(f"paged_{number}", "Cancelled")
        mend.await_end(mend.report(run))

    first = mend.http.get("/v1/tickets", params={"limit": 2, "status": "closed,open"}).json()
    second = mend.http.get(
        "/v1/tickets",
        params={"limit": 2, "status": "closed,open", "cursor": first["next_cursor"]},
    ).json()

    assert len(first["items"]) == 2
    ids = [ticket["id"] for ticket in first["items"] + second["items"]]
    assert len(ids) == len(set(ids))
    assert {ticket["status"] for ticket in first["items"]} <= {"closed", "open"}
    others = mend.tickets(platform="databricks")
    assert {ticket["resource"]["platform"] for ticket in others} <= {"databricks"}
    assert not set(ids) & {ticket["id"] for ticket in others}


def test_settings_are_switched_in_part_and_stay(own_host: HostProcess) -> None:
    """What a PUT leaves out stays; a restart forgets nothing."""
    own_host.start()
    with Mend(own_host.url) as mend:
        changed = mend.put("execution-mode", {"mode": "hil"}).json()
        assert changed == {"mode": "hil", "confidence_threshold": 0.8}
        posted = mend.http.post("/v1/settings/execution-mode", json={"confidence_threshold": 0.9})
        assert posted.json() == {"mode": "hil", "confidence_threshold": 0.9}
        mend.put("kill-switch", {"scope": "global", "on": True, "reason": "audit"})
    own_host.kill()
    own_host.start()

    with Mend(own_host.url) as mend:
        assert mend.http.get("/v1/settings/execution-mode").json()["mode"] == "hil"
        assert mend.http.get("/v1/settings/kill-switch").json() == {
            "scope": "global",
            "on": True,
            "reason": "audit",
            "others": [],
        }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEND_POLL_SECONDS", "soon"),
        ("MEND_MODE", "manual"),
        ("MEND_CONFIDENCE_THRESHOLD", "80"),
        ("MEND_ADF_BASE_URL", "http://adf.example.com"),
        ("MEND_STORE", "postgres"),
        ("MEND_AUTH", "magic"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    tmp_path: Path, adf: AdfSimulator, name: str, value: str
) -> None:
    """One line names the setting and what it must be."""
    host = HostProcess(tmp_path / "data", brisk(adf.url, **{name: value}))

    try:
        with pytest.raises(HostDidNotStart) as caught:
            host.start()
    finally:
        host.stop()

    lines = [line for line in str(caught.value).splitlines() if name in line]
    assert len(lines) == 1, str(caught.value)
    assert "ended with code" in str(caught.value)
    assert "Traceback" not in str(caught.value)
