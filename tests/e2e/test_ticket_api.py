"""Opening, finding, changing and stopping tickets over HTTP."""

from typing import Any

import pytest

from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator
from tests.support.mend import Mend


def opened(mend: Mend, **fields: object) -> dict[str, Any]:
    """Open a ticket by hand and return it."""
    answer = mend.http.post("/v1/tickets", json={"title": "It is late", **fields})
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json())


def test_a_ticket_by_hand_is_healed_like_any_other(adf: AdfSimulator, mend: Mend) -> None:
    """A person who knows the run gets the whole machine."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"])
    answer = mend.http.post(
        "/v1/tickets",
        json={"title": "Load failed", "pipeline": run.pipeline, "run_id": run.run_id},
    )
    ticket = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"].endswith(ticket["id"])
    assert answer.headers["etag"] == f'"{ticket["version"]}"'
    assert ticket["source"] == "manual"
    assert mend.await_end(ticket["id"])["outcome"] == "healed"


def test_asked_for_twice_it_is_opened_once(mend: Mend) -> None:
    """With a key: one ticket, one count, the same answer; the key is not for another body."""
    body, headers = {"title": "by key"}, {"Idempotency-Key": "k-1"}
    first = mend.http.post("/v1/tickets", json=body, headers=headers)
    again = mend.http.post("/v1/tickets", json=body, headers=headers)
    other = mend.http.post("/v1/tickets", json={"title": "no"}, headers=headers)
    without = mend.http.post("/v1/tickets", json=body)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["duplicate_count"] == 0
    assert other.status_code == 422
    assert (without.status_code, without.json()["duplicate_count"]) == (200, 1)
    long = mend.http.post("/v1/tickets", json=body, headers={"Idempotency-Key": "x" * 129})
    assert long.status_code == 400


@pytest.mark.parametrize("form", [False, True])
def test_a_spreadsheet(mend: Mend, form: bool) -> None:
    """Each row has its ticket or its mistake, by line."""
    text = (
        f"title,severity,service\nrow one,low,csv{form}\nrow two,awful,csv\nrow one,low,csv{form}\n"
    )
    path = "/v1/tickets/upload-csv"
    if form:
        answer = mend.http.post(path, files={"file": ("t.csv", text.encode(), "text/csv")})
    else:
        answer = mend.http.post(path, content=text, headers={"Content-Type": "text/csv"})

    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (2, 1)
    rows = body["rows"]
    assert [row["line"] for row in rows] == [2, 3, 4]
    assert (rows[0]["disposition"], rows[2]["disposition"]) == ("opened", "duplicate")
    assert rows[0]["ticket_id"] == rows[2]["ticket_id"]
    assert rows[1]["field"] == "severity"
    assert mend.ticket(rows[0]["ticket_id"])["source"] == "csv"


def test_the_template_and_a_form_without_a_file(mend: Mend) -> None:
    """What to fill in; and what is no file is said."""
    template = mend.http.get("/v1/tickets/upload-csv")
    assert template.headers["content-type"].startswith("text/csv")
    sent = mend.http.post("/v1/tickets/upload-csv", content=template.content)
    assert (sent.status_code, sent.json()["rejected"]) == (202, 0)
    empty = mend.http.post(
        "/v1/tickets/upload-csv", files={"x": ("", b"", "text/plain")}, data={"a": "b"}
    )
    assert empty.status_code == 400


def test_people_change_tickets(mend: Mend) -> None:
    """With the version they have seen; who comes second is told."""
    ticket = opened(mend, title="to be changed")
    path = f"/v1/tickets/{ticket['id']}"
    mend.await_end(ticket["id"])
    etag = mend.http.get(path).headers["etag"]
    without = mend.http.patch(path, json={"assignee": "ana"})
    odd = mend.http.patch(path, json={"assignee": "ana"}, headers={"If-Match": "*"})
    first = mend.http.patch(path, json={"assignee": "ana"}, headers={"If-Match": etag})
    second = mend.http.patch(path, json={"assignee": "bo"}, headers={"If-Match": etag})
    done = mend.http.patch(
        path,
        json={"status": "resolved", "note": "the vendor did it"},
        headers={"If-Match": first.headers["etag"]},
    )

    statuses = [one.status_code for one in (without, odd, first, second, done)]
    assert statuses == [428, 400, 200, 412, 200]
    assert (done.json()["outcome"], done.json()["assignee"]) == ("resolved_manually", "ana")
    assert done.json()["closed_by"] == "local user"
    assert mend.events(ticket["id"])[-1]["actor"] == "local user"
    nobody = mend.http.patch("/v1/tickets/TIK-no", json={}, headers={"If-Match": '"1"'})
    assert nobody.status_code == 404


def test_tickets_are_found(mend: Mend) -> None:
    """By words, by time, sorted; facets count the same ones."""
    for severity in ("low", "critical", "high"):
        opened(mend, title=f"zebra {severity}", severity=severity, service="zoo")
    found = mend.tickets(q="zeb", sort="-severity")
    assert [one["severity"] for one in found] == ["critical", "high", "low"]
    facets = mend.http.get("/v1/tickets/facets", params={"q": "zebra"}).json()
    assert (facets["total"], facets["severity"]) == (3, {"critical": 1, "high": 1, "low": 1})
    assert mend.tickets(q="zebra critical", **{"from": "2020-01-01"})[0]["severity"] == "critical"
    assert mend.tickets(q="zebra", to="2020-01-01T00:00:00Z") == []
    assert len(mend.tickets(q="zebra", source="manual", classification="uncertain")) <= 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"sort": "title"}, "sort"),
        ({"from": "soon"}, "from"),
        ({"q": "x" * 201}, "q"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"statsu": "open"}, "statsu"),
        ({"severity": "awful"}, "severity"),
    ],
)
def test_a_mistyped_filter_does_not_mean_all(mend: Mend, query: dict[str, str], field: str) -> None:
    """400 with the parameter's name."""
    answer = mend.http.get("/v1/tickets", params=query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_an_unchanged_list_costs_nothing(mend: Mend) -> None:
    """304 until something changes."""
    opened(mend, title="yak one")
    params = {"q": "yak"}
    first = mend.http.get("/v1/tickets", params=params)
    mend.await_end(first.json()["items"][0]["id"])
    first = mend.http.get("/v1/tickets", params=params)
    etag = {"If-None-Match": first.headers["etag"]}
    assert mend.http.get("/v1/tickets", params=params, headers=etag).status_code == 304
    opened(mend, title="yak two")
    assert mend.http.get("/v1/tickets", params=params, headers=etag).status_code == 200


def test_stopping_a_ticket(adf: AdfSimulator, mend: Mend) -> None:
    """What is under way is seen to its end; then nothing more is done."""
    run = adf.seed_scenario(SCENARIOS["sql_transient"], pipeline="stopped")
    ticket_id = mend.report(run)
    mend.http.post(f"/v1/tickets/{ticket_id}/cancel", json={"reason": "wrong day"})
    ended = mend.await_end(ticket_id)
    assert ended["outcome"] in {"cancelled", "healed"}
    assert len(adf.effects("createRun")) <= 1
    assert mend.http.post(f"/v1/tickets/{ticket_id}/cancel").status_code == 409


def test_servers_are_read_from_words(mend: Mend) -> None:
    """By the inventory and by their looks; they are shown on the ticket."""
    inventory = {"items": [{"name": "SQL-PROD-01", "aliases": ["orders database"]}]}
    assert mend.put("inventory", inventory).json() == inventory
    answer = mend.http.post(
        "/v1/infrastructure/extract-ci",
        json={
            "description": "the orders database refuses host web-07",
            "meta_data": {"ci_association": "gw-1"},
        },
    )
    assert [(one["name"], one["known"]) for one in answer.json()["items"]] == [
        ("gw-1", False),
        ("SQL-PROD-01", True),
        ("web-07", False),
    ]
    ticket = opened(mend, title="orders database is slow on node web-08")
    assert ticket["ci"] == ["SQL-PROD-01", "web-08"]
    by_id = mend.http.post("/v1/infrastructure/extract-ci", json={"ticket_id": ticket["id"]})
    assert [one["name"] for one in by_id.json()["items"]] == ["SQL-PROD-01", "web-08"]
    assert mend.http.post("/v1/infrastructure/extract-ci", json={}).status_code == 400


def test_who_changed_a_setting_is_in_the_trail(mend: Mend) -> None:
    """With what it was before, and the reason; and the trail is whole."""
    mend.put("kill-switch", {"on": True, "reason": "drill"})
    mend.put("kill-switch", {"on": False, "reason": "drill over"})
    trail = mend.http.get("/v1/audit", params={"subject": "settings/kill-switch", "limit": 500})
    last = trail.json()["items"][-1]

    assert (last["actor"], last["action"], last["reason"]) == (
        "local user",
        "settings.changed",
        "drill over",
    )
    assert (last["data"]["before"]["on"], last["data"]["after"]["on"]) == (True, False)
    whole = mend.http.get("/v1/audit/verify").json()
    head = f"{whole['head']['seq']}:{whole['head']['hash']}"
    assert whole["whole"] is True
    assert mend.http.get("/v1/audit/verify", params={"head": head}).json()["whole"] is True
    wrong = mend.http.get("/v1/audit/verify", params={"head": f"1:{'0' * 64}"}).json()
    assert (wrong["whole"], "noted" in wrong["problem"]) == (False, True)
    assert mend.http.get("/v1/audit/verify", params={"head": "x"}).status_code == 400
