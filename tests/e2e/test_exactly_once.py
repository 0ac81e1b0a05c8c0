"""One createRun per attempt, whatever happens to the answer or to us."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.processes import HostProcess
from simulators.client import AdfSimulator
from tests.e2e.test_healing import HEALS, NETWORK, started
from tests.support.mend import ENDED, Mend, Ticket, web_activity


@pytest.mark.parametrize(
    "fault",
    ["lose_answer_504", "lose_answer_503", "reset_after", "html_200", "truncated_json"],
)
def test_a_lost_answer_is_looked_for_not_repeated(
    adf: AdfSimulator, mend: Mend, fault: str
) -> None:
    """The run that was started is found, adopted and watched."""
    name = f"lost_{fault}"
    run = adf.seed_failed_run(name, error_code="2200", message=NETWORK["message"])
    adf.script(name, [HEALS])
    adf.fault("createRun", fault, match=name)

    ticket = mend.await_end(mend.report(run))

    assert ticket["outcome"] == "healed"
    assert started(adf, name) == 1
    (attempt,) = ticket["attempts"]
    assert [attempt["external_run_id"]] == adf.effects("createRun")


def test_killed_between_call_and_record(adf: AdfSimulator, own_host: HostProcess) -> None:
    """The factory has started the run, we never heard: after the restart it is found."""
    run = adf.seed_failed_run("killed", error_code="2200", message=NETWORK["message"])
    adf.script("killed", [HEALS])
    adf.fault("createRun", "hold", match="killed", seconds=30)
    own_host.start()
    with Mend(own_host.url) as mend:
        ticket_id = mend.report(run)
    await_call(adf, "killed")

    own_host.kill()
    own_host.start()

    with Mend(own_host.url) as mend:
        ticket = mend.await_end(ticket_id)
        events = [event["type"] for event in mend.events(ticket_id)]
    assert ticket["outcome"] == "healed"
    assert started(adf, "killed") == 1
    assert "remediation.unknown" in events
    assert [ticket["attempts"][0]["external_run_id"]] == adf.effects("createRun")


@pytest.mark.parametrize("round_", range(5))
def test_killed_at_any_time_under_load(
    adf: AdfSimulator, own_host: HostProcess, round_: int
) -> None:
    """Several tickets on their way, the host killed again and again: never a second run."""
    names = [f"load_{round_}_{number}" for number in range(6)]
    runs = [
        adf.seed_failed_run(name, error_code="2200", message=NETWORK["message"]) for name in names
    ]
    for name in names:
        adf.script(name, [HEALS])
    own_host.start()
    with Mend(own_host.url) as mend:
        ids = [mend.report(run) for run in runs]

    for kill in range(4):
        time.sleep(0.05 + 0.11 * kill + 0.04 * round_)  # the moments to be killed at
        own_host.kill()
        own_host.start()

    with Mend(own_host.url) as mend:
        for name, ticket_id in zip(names, ids, strict=True):
            ticket = mend.await_ticket(ticket_id, lambda one: is_settled(one, adf), seconds=60)
            attempts = [(one["state"], one["outcome"]) for one in ticket["attempts"]]
            if started(adf, name):
                assert ticket["outcome"] == "healed"
                assert attempts == [("succeeded", "healed")]
            else:  # killed after "sending" was stored and before the request left
                assert attempts == [("unknown", None)]
            assert started(adf, name) <= 1
            numbers = [event["seq"] for event in mend.events(ticket_id)]
            assert numbers == list(range(1, len(numbers) + 1))


def is_settled(ticket: Ticket, adf: AdfSimulator) -> bool:
    """Tell whether the ticket has ended, or is looking for a request that never left."""
    if ticket["status"] in ENDED:
        return True
    looking = [attempt["state"] for attempt in ticket["attempts"]] == ["unknown"]
    return looking and not started(adf, ticket["resource"]["name"])


def test_a_thousand_alerts_at_once_open_one_ticket(adf: AdfSimulator, mend: Mend) -> None:
    """However many senders repeat themselves, one ticket, one rerun, an exact count."""
    run = adf.seed_failed_run("storm", error_code="2200", message=NETWORK["message"])
    adf.script("storm", [HEALS])
    body = web_activity(run)

    with ThreadPoolExecutor(64) as senders:
        answers = list(senders.map(lambda _: mend.post(body), range(1000)))

    assert {answer.status_code for answer in answers} == {202}
    said = [answer.json()["tickets"][0] for answer in answers]
    assert len({item["ticket_id"] for item in said}) == 1
    assert [item["disposition"] for item in said].count("opened") == 1
    ticket = mend.await_end(said[0]["ticket_id"])
    assert ticket["duplicate_count"] == 999
    assert ticket["outcome"] == "healed"
    assert started(adf, "storm") == 1
    assert len([t for t in mend.tickets() if t["resource"]["name"] == "storm"]) == 1


def test_a_late_echo_changes_nothing(adf: AdfSimulator, mend: Mend) -> None:
    """The same alert after the healing lands on the healed ticket and starts nothing."""
    run = adf.seed_failed_run("echo", error_code="2200", message=NETWORK["message"])
    adf.script("echo", [HEALS])
    ticket_id = mend.report(run)
    healed = mend.await_end(ticket_id)

    again = mend.post(web_activity(run)).json()["tickets"][0]
    own_rerun = mend.post(
        {**web_activity(run), "runId": healed["attempts"][0]["external_run_id"]}
    ).json()["tickets"][0]

    assert again == own_rerun == {"ticket_id": ticket_id, "disposition": "duplicate"}
    assert mend.ticket(ticket_id)["duplicate_count"] == 2
    assert started(adf, "echo") == 1


def test_a_second_start_of_a_finished_remediation_does_nothing(
    adf: AdfSimulator, mend: Mend
) -> None:
    """Durable overwrites a finished instance when its start message is delivered late."""
    run = adf.seed_failed_run("twice", error_code="2200", message=NETWORK["message"])
    adf.script("twice", [HEALS])
    ticket_id = mend.report(run)
    before = mend.await_end(ticket_id)

    url = str(mend.http.base_url).replace("/api/", "")
    answer = mend.http.post(
        f"{url}/runtime/webhooks/durabletask/orchestrators/remediate/rem-{ticket_id}-1",
        json={"ticket_id": ticket_id},
    )
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 20
    status: dict[str, object] = {}
    while time.monotonic() < deadline and status.get("output") != "not ours":
        status = mend.http.get(
            f"{url}/runtime/webhooks/durabletask/instances/rem-{ticket_id}-1"
        ).json()
        time.sleep(0.05)

    assert status["output"] == "not ours"
    assert mend.ticket(ticket_id) == before
    assert started(adf, "twice") == 1


def await_call(adf: AdfSimulator, name: str) -> None:
    """Wait until the factory has started a run of ``name``."""
    deadline = time.monotonic() + 20
    while not started(adf, name):
        assert time.monotonic() < deadline, f"{name} was never started"
        time.sleep(0.02)
