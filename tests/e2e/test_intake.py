"""What senders see: credentials, replays, many alerts in one body, and an account of all."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.support.mend import Mend, brisk, web_activity

SECRET = "a-secret-of-the-tests"
BODY = json.dumps({"title": "nightly load is late", "service": "sales"}).encode()
SECRETS = {
    "databricks": [
        "mend:old-password",
        {"type": "basic", "username": "mend", "password": "n3w-pw"},
    ],
    "alertmanager": {"type": "bearer", "token": SECRET},
    "datadog": {"type": "header", "name": "X-Mend-Secret", "value": SECRET},
    "generic": {"type": "hmac", "secret": SECRET},
    "adf": SECRET,
}


@pytest.fixture(scope="module")
def guarded(adf_process: AdfSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mend]:
    """Yield the API of a host whose senders have credentials, and whose canary flies."""
    settings = brisk(
        adf_process.url, MEND_WEBHOOK_SECRETS=json.dumps(SECRETS), MEND_CANARY_MINUTES="0.01"
    )
    folder = tmp_path_factory.mktemp("guarded") / "data"
    with HostProcess(folder, settings) as host, Mend(host.url) as api:
        yield api


def signed(body: bytes = BODY, *, name: str = "msg_1", at: float = 0) -> dict[str, str]:
    """Return the headers of Standard Webhooks."""
    stamp = str(int(time.time() + at))
    digest = hmac.digest(SECRET.encode(), f"{name}.{stamp}.".encode() + body, sha256)
    return {
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def total(mend: Mend) -> dict[str, int]:
    """Return the sum of all counts."""
    return dict(mend.http.get("/v1/intake/counts").json()["total"])


@pytest.mark.parametrize(
    ("source", "headers", "status"),
    [
        ("generic", {}, 401),
        ("generic", {"Authorization": f"Bearer {SECRET}"}, 401),
        ("generic", signed(b"another body"), 401),
        ("generic", signed(at=-400, name="msg_old"), 401),
        ("adf", {"X-Mend-Secret": "é"}, 401),
        ("adf", {"X-Mend-Secret": "wrong"}, 401),
        ("zabbix", {}, 400),
        ("nowhere", {}, 404),
    ],
)
def test_who_may_send(guarded: Mend, source: str, headers: dict[str, str], status: int) -> None:
    """A source with credentials wants one of them; on loopback one without is read at once."""
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = guarded.http.post(f"/v1/tickets/webhook/{source}", content=BODY, headers=encoded)

    assert answer.status_code == status, answer.text
    if status == 401:
        assert answer.json()["detail"] == "this request shows no credential that is accepted here"


def test_both_passwords_are_good_while_one_is_changed(guarded: Mend) -> None:
    """Old and new, until the old one is taken out."""
    body = json.dumps({"event_type": "jobs.on_start", "run": {"run_id": 1}, "job": {"job_id": 2}})
    for password, status in (("old-password", 400), ("n3w-pw", 400), ("other", 401)):
        answer = guarded.http.post(
            "/v1/tickets/webhook/databricks", content=body, auth=("mend", password)
        )
        # There is no default workspace here: who gets as far as that has come in.
        assert answer.status_code == status, answer.text


def test_a_replay_gets_the_first_answer(guarded: Mend) -> None:
    """The same signed delivery twice is one; with another body it is refused."""
    before, headers = total(guarded), signed(name="msg_replayed")
    first = guarded.http.post("/v1/tickets/webhook/generic", content=BODY, headers=headers)
    again = guarded.http.post("/v1/tickets/webhook/generic", content=BODY, headers=headers)
    other = BODY.replace(b"late", b"gone")
    reused = guarded.http.post(
        "/v1/tickets/webhook/generic", content=other, headers=signed(other, name="msg_replayed")
    )

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
    ticket = guarded.ticket(first.json()["tickets"][0]["ticket_id"])
    assert ticket["duplicate_count"] == 0
    assert total(guarded)["received"] == before["received"] + 1


def test_a_canary_comes_through(guarded: Mend) -> None:
    """From the network to the end of its ticket; it is in nobody's way."""
    deadline = time.monotonic() + 90
    while not (found := guarded.tickets(source="canary")):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    ended = guarded.await_end(found[0]["id"])

    assert (ended["status"], ended["outcome"]) == ("closed", "false_positive")
    assert guarded.http.get("/ready").json()["checks"]["canary"] == "ok"
    assert "canary" not in {ticket["source"] for ticket in guarded.tickets()}
    forged = guarded.http.post("/v1/tickets/webhook/canary", json={"canary": "x"})
    assert forged.status_code == 401


def test_one_bad_alert_among_many(mend: Mend) -> None:
    """The good ones have tickets; the bad one is on the list and can be let go."""
    alert: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "service": "mixed", "instance": "db-07:9100"},
        "startsAt": "2026-11-20T02:00:00Z",
    }
    body = {"version": "4", "status": "firing", "alerts": [alert, {"status": "odd"}, 7]}
    answer = mend.post(body, "alertmanager").json()

    assert (answer["accepted"], len(answer["rejected"])) == (1, 2)
    dead = answer["dead_letter"]
    listed = mend.http.get("/v1/intake/dead-letters").json()["items"]
    assert dead in [one["id"] for one in listed]
    assert "body" not in listed[0] or listed[0]["body"] == ""
    assert "DiskFull" in mend.http.get(f"/v1/intake/deliveries/{dead}").json()["body"]
    ticket = mend.await_end(answer["tickets"][0]["ticket_id"])
    assert (ticket["status"], ticket["outcome"]) == ("escalated", "not_remediable")
    assert ticket["ci"] == ["db-07:9100"] or "db-07" in ticket["ci"][0]

    redriven = mend.http.post(f"/v1/intake/dead-letters/{dead}/redrive")
    assert (redriven.status_code, redriven.json()["accepted"]) == (202, 0)
    gone = mend.http.post(
        f"/v1/intake/dead-letters/{dead}/discard", json={"reason": "the sender is mended"}
    )
    assert gone.json()["state"] == "discarded"
    assert mend.http.post(f"/v1/intake/dead-letters/{dead}/discard").status_code == 409
    trail = mend.http.get("/v1/audit", params={"subject": dead}).json()["items"]
    assert [(one["action"], one["reason"]) for one in trail][-1] == (
        "delivery.discarded",
        "the sender is mended",
    )


def test_an_alert_that_repeats_itself_stays_one_ticket(mend: Mend) -> None:
    """A person has it: it counts up, and when its sender says it is over, it is over."""
    body = {"title": "[P2] queue too long", "host": "mq-1", "service": "repeats"}
    ticket_id = mend.post(body, "generic").json()["tickets"][0]["ticket_id"]
    assert mend.await_end(ticket_id)["status"] == "escalated"

    again = [mend.post(body, "generic").json()["tickets"][0] for _ in range(3)]
    assert again == [{"ticket_id": ticket_id, "disposition": "duplicate"}] * 3
    mend.post({**body, "status": "resolved"}, "generic")
    ticket = mend.ticket(ticket_id)
    assert (ticket["status"], ticket["outcome"]) == ("closed", "self_recovered")
    assert ticket["duplicate_count"] == 3
    fresh = mend.post(body, "generic").json()["tickets"][0]
    assert (fresh["disposition"], fresh["ticket_id"] != ticket_id) == ("opened", True)


def test_what_comes_and_goes_stays_with_whoever_has_it(mend: Mend) -> None:
    """The third time within an hour its sender's word ends nothing any more."""
    body = {"title": "link flaps", "service": "flapping"}
    ids = []
    for _ in range(4):
        ids.append(mend.post(body, "generic").json()["tickets"][0]["ticket_id"])
        mend.await_end(ids[-1])
        mend.post({**body, "status": "resolved"}, "generic")

    assert len(set(ids)) == 3
    assert mend.ticket(ids[-1])["status"] == "escalated"


def test_a_declared_mapping_reads_any_body(mend: Mend) -> None:
    """Checked when it is saved; a mistake says at which character."""
    wrong = mend.put("generic-mapping", {"title": "$.a["})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "title")
    try:
        good = mend.put(
            "generic-mapping",
            {"alerts": "$.faults", "title": "$['what happened']", "service": "where.name"},
        )
        assert good.status_code == 200, good.text
        body = {"faults": [{"what happened": "Pump 7 stands", "where": {"name": "plant"}}]}
        ticket_id = mend.post(body, "generic").json()["tickets"][0]["ticket_id"]
        ticket = mend.ticket(ticket_id)
        assert (ticket["title"], ticket["service"]) == ("Pump 7 stands", "plant")
    finally:
        cleared = {"alerts": None, "title": None, "service": None}
        assert mend.put("generic-mapping", cleared).status_code == 200


def test_a_known_outage_is_waited_for(adf: AdfSimulator, mend: Mend) -> None:
    """While the operator says that Data Factory is down, nothing is rerun."""
    outage = {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/00000000-0000-0000-0000-0000000000aa/alerts/1",
                "alertRule": "service-health", "severity": "Sev4", "signalType": "Activity Log",
                "monitorCondition": "Fired", "monitoringService": "ServiceHealth",
                "alertTargetIDs": ["/subscriptions/00000000-0000-0000-0000-0000000000aa"],
                "firedDateTime": "2026-11-20T02:07:11Z",
            },
            "alertContext": {
                "channels": 1, "eventSource": 2, "level": 3, "status": "Active",
                "properties": {
                    "title": "Azure Data Factory is down in West Europe",
                    "service": "Azure Data Factory", "region": "West Europe",
                    "incidentType": "Incident", "trackingId": "0ABC-123", "stage": "Active",
                    "impactStartTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                },
            },
        },
    }  # fmt: skip
    over = json.loads(json.dumps(outage))
    over["data"]["alertContext"]["status"] = "Resolved"
    over["data"]["alertContext"]["properties"]["stage"] = "Resolved"
    run = adf.seed_failed_run("while_down", message="Connection timed out (SqlErrorNumber=10060)")
    try:
        assert mend.post(outage, "azure-monitor").json()["tickets"][0]["disposition"] == "ignored"
        ticket_id = mend.report(run)
        waiting = mend.await_ticket(
            ticket_id, lambda one: bool(one["decision"]) and one["decision"]["outcome"] == "wait"
        )
        texts = [reason["text"] for reason in waiting["decision"]["reasons"]]
        assert any("Azure Data Factory is down" in text for text in texts)
        assert adf.effects("createRun") == []
    finally:
        mend.post(over, "azure-monitor")
    assert mend.http.post(f"/v1/tickets/{ticket_id}/cancel").status_code == 202
    assert mend.ticket(ticket_id)["outcome"] == "cancelled"


def test_nothing_is_unaccounted(mend: Mend) -> None:
    """After everything above: what was received is what became of it."""
    counts = mend.http.get("/v1/intake/counts", params={"hours": 2}).json()

    assert counts["total"]["received"] > 0
    assert counts["total"]["unaccounted"] == 0
    assert [one for one in counts["items"] if one["unaccounted"]] == []


def test_a_host_that_was_killed_takes_up_what_it_had(
    adf: AdfSimulator, own_host: HostProcess, tmp_path: Path
) -> None:
    """Kill -9 during a stream of alerts, ten times: what was answered 202 is there."""
    _ = tmp_path
    acknowledged: list[str] = []
    for round_ in range(10):
        with own_host as host, Mend(host.url) as api:
            for number in range(12):
                run = adf.seed_run(f"kill_{round_}_{number}", "Cancelled")
                answer = api.post(web_activity(run))
                assert answer.status_code == 202, answer.text
                acknowledged.append(answer.json()["tickets"][0]["ticket_id"])
            host.kill()
    with own_host as host, Mend(host.url) as api:
        for ticket_id in acknowledged:
            assert api.await_end(ticket_id, 60)["outcome"] == "cancelled"
        total_ = total(api)
        assert (total_["received"], total_["opened"]) == (120, 120)
        assert api.http.get("/v1/audit/verify").json()["whole"] is True
