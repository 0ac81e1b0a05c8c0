"""The story, told by the calls it makes."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrators.monitor import LOOKS_PER_GENERATION, MISSING_GRACE, watch_run
from orchestrators.remediation import (
    MAX_ROUNDS,
    MAX_SENDS,
    MAX_SETTLE_SECONDS,
    RECONCILE_DELAYS,
    remediate,
)
from tests.support.builders import NOW
from tests.support.replay import Told, run

TICKET = {"ticket_id": "TIK-1"}
CLAIMED = {"ours": True, "poll_seconds": 30, "monitor_timeout_minutes": 120}
EXECUTE = {
    "outcome": "execute",
    "action": "rerun_from_failure",
    "attempt_number": 1,
    "wait_seconds": 0,
    "sentence": "every rule allows it",
}
ESCALATE = {
    **EXECUTE,
    "outcome": "escalate",
    "ticket_outcome": "not_remediable",
    "sentence": "escalate: no",
}
SETTLED = MAX_SETTLE_SECONDS  # a success is looked at once more before it is believed
ISSUED = {"state": "issued", "run_id": "r2"}
UNKNOWN = {"state": "unknown", "problem": "HTTP 504"}

USUAL: dict[str, Any] = {
    "claim_episode": CLAIMED,
    "identify_run": {"run_id": "r1"},
    "watch_run": ["failed", "succeeded"],
    "read_back": None,
    "analyse": None,
    "decide": EXECUTE,
    "prepare_attempt": {"state": "ready"},
    "send_attempt": ISSUED,
    "conclude_attempt": {"outcome": "healed"},
    "undo_attempt": None,
    "close_ticket": "resolved",
}


def story(**answers: Any) -> Told:
    """Run the remediation with the usual answers but for ``answers``."""
    return run(remediate, TICKET, {**USUAL, **answers})


def ending(told: Told) -> tuple[str, str]:
    """Return the outcome and conclusion the ticket was closed with."""
    asked = told.inputs[told.calls.index("close_ticket")]
    return asked["outcome"], asked["conclusion"]


def test_the_usual_way() -> None:
    """Claim, identify, watch, read back, analyse, decide, attempt, close."""
    told = story()

    assert told.calls == [
        "claim_episode",
        "identify_run",
        "watch_run",
        "read_back",
        "analyse",
        "decide",
        "prepare_attempt",
        "send_attempt",
        "watch_run",
        "conclude_attempt",
        "close_ticket",
    ]
    assert ending(told)[0] == "healed"


def test_a_second_start_ends_at_once() -> None:
    """An episode that is somebody else's, or over, is not touched."""
    told = story(claim_episode={"ours": False})

    assert told.calls == ["claim_episode"]
    assert told.output == "not ours"


def test_policy_has_the_last_word() -> None:
    """Without leave to execute nothing is prepared or sent."""
    told = story(decide=ESCALATE)

    assert "send_attempt" not in told.calls
    assert ending(told) == ("not_remediable", "escalate: no")


def test_nothing_to_watch_is_still_decided_on() -> None:
    """Without a run the reason is in the ticket, and policy says how it ends."""
    told = story(identify_run={"run_id": None}, decide=ESCALATE)

    assert "watch_run" not in told.calls
    assert told.calls[-1] == "close_ticket"


def test_a_failed_rerun_is_read_back_and_decided_on_anew() -> None:
    """Each round starts from the fresh error and waits as long as policy says."""
    again = {**EXECUTE, "attempt_number": 2, "wait_seconds": 90}
    told = story(
        decide=[EXECUTE, again],
        watch_run=["failed", "failed", "succeeded"],
        conclude_attempt=[{"outcome": "not_healed"}, {"outcome": "healed"}],
    )

    assert told.count("read_back") == told.count("analyse") == told.count("decide") == 2
    assert told.waited_seconds == 90 + SETTLED
    assert ending(told)[0] == "healed"


def test_somebody_elses_rerun_is_watched_instead_of_doubled() -> None:
    """A run by hand has the right of way; what came of it is decided on."""
    told = story(
        prepare_attempt={"state": "busy", "run_id": "by-hand"},
        decide=[EXECUTE, {**ESCALATE, "outcome": "close", "ticket_outcome": "superseded"}],
        watch_run=["failed", "succeeded"],
    )

    assert "send_attempt" not in told.calls
    assert told.inputs[told.calls.index("prepare_attempt") + 1]["run_id"] == "by-hand"
    assert ending(told)[0] == "superseded"


def test_a_lost_answer_is_looked_for_and_found() -> None:
    """Unknown is never sent again; the found run is watched."""
    told = story(send_attempt=UNKNOWN, reconcile_attempt=[UNKNOWN, UNKNOWN, ISSUED])

    assert told.count("send_attempt") == 1
    assert told.count("reconcile_attempt") == 3
    assert told.waited_seconds == sum(RECONCILE_DELAYS[:3]) + SETTLED
    assert ending(told)[0] == "healed"


def test_a_lost_answer_is_looked_for_until_the_grace_is_over() -> None:
    """Only the last look may conclude that nothing arrived; then policy decides again."""
    told = story(
        send_attempt=[UNKNOWN, ISSUED],
        reconcile_attempt=lambda asked: (
            {"state": "failed", "problem": "never arrived"} if asked["last_look"] else UNKNOWN
        ),
    )

    assert told.count("reconcile_attempt") == len(RECONCILE_DELAYS)
    assert told.waited_seconds == sum(RECONCILE_DELAYS) + SETTLED == 260
    assert told.count("decide") == 2
    assert ending(told)[0] == "healed"


def test_turned_away_is_sent_again_after_the_pause_asked_for() -> None:
    """429 with Retry-After: the same attempt, later."""
    away = {"state": "intent", "retry_after_seconds": 17, "problem": "HTTP 429"}
    told = story(send_attempt=[away, away, ISSUED])

    assert told.count("prepare_attempt") == 1
    assert told.waited_seconds == 34 + SETTLED
    assert ending(told)[0] == "healed"


def test_turned_away_for_ever_is_handed_over() -> None:
    """There is an end to asking."""
    told = story(send_attempt={"state": "intent", "problem": "HTTP 429"})

    assert told.count("send_attempt") == MAX_SENDS
    assert ending(told) == ("not_healed", "HTTP 429")


@pytest.mark.parametrize(
    ("state", "outcome"), [("failed", "not_healed"), ("cancelled", "not_remediable")]
)
def test_refused_or_stopped_is_handed_over(state: str, outcome: str) -> None:
    """A refusal and the kill switch end the story, each in its own words."""
    told = story(send_attempt={"state": state, "problem": "no"})

    assert told.count("send_attempt") == 1
    assert ending(told) == (outcome, "no")


def test_steps_are_taken_one_after_another() -> None:
    """Each is sent, watched and concluded before the next one may be sent."""
    told = story(
        send_attempt=[{"state": "issued"}, ISSUED],
        watch_run=["failed", "succeeded", "succeeded"],
        conclude_attempt=[{"goes_on": True}, {"outcome": "healed"}],
    )

    taken = [call for call in told.calls if call in {"send_attempt", "conclude_attempt"}]
    assert taken == ["send_attempt", "conclude_attempt"] * 2
    assert ending(told)[0] == "healed"


def test_where_twice_is_once_a_lost_request_is_sent_again() -> None:
    """Looking for it says so; there is an end to that, too."""
    told = story(send_attempt=[UNKNOWN, ISSUED], reconcile_attempt={"state": "intent"})
    for_ever = story(send_attempt=UNKNOWN, reconcile_attempt={"state": "intent"})

    assert told.count("send_attempt") == 2
    assert ending(told)[0] == "healed"
    assert for_ever.count("send_attempt") == MAX_SENDS
    assert ending(for_ever)[0] == "not_healed"


def test_what_nobody_can_know_is_for_a_person() -> None:
    """A request that may yet take effect is not followed by another one."""
    told = story(send_attempt=UNKNOWN, reconcile_attempt={"state": "timed_out", "problem": "lost"})

    assert told.count("send_attempt") == 1
    assert ending(told) == ("inconclusive", "lost")


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"conclude_attempt": {"outcome": "inconclusive"}},
        {
            "send_attempt": [{"state": "issued", "undoable": True}, {"state": "cancelled"}],
            "conclude_attempt": {"goes_on": True},
        },
        {"conclude_attempt": RuntimeError("the disk is full")},
    ],
    ids=["healed", "not healed", "stopped in between", "broken off"],
)
def test_what_was_for_the_attempt_only_is_taken_back(answers: dict[str, Any]) -> None:
    """Healed or not, before the ticket ends."""
    told = story(
        **{"send_attempt": {**ISSUED, "undoable": True}, "watch_run": lambda _: "succeeded"}
        | answers
    )

    assert told.count("undo_attempt") == 1
    assert told.calls.index("undo_attempt") < told.calls.index("close_ticket")


def test_what_stands_in_the_way_for_a_while_is_waited_for() -> None:
    """Others on the cluster may be done soon; if not, a person hears of it."""
    busy = {"state": "blocked", "problem": "run 7 is going on", "passing": True}
    soon = story(prepare_attempt=[busy, busy, {"state": "ready"}])
    never = story(prepare_attempt=busy)

    assert soon.count("prepare_attempt") == 3
    assert ending(soon)[0] == "healed"
    assert "send_attempt" not in never.calls
    assert ending(never) == ("not_remediable", "run 7 is going on")


def test_inconclusive_is_handed_over() -> None:
    """A run that does not end in time may still be going on: no second one."""
    told = story(
        watch_run=["failed", "timed_out"],
        conclude_attempt={"outcome": "inconclusive", "why": "did not end in time"},
    )

    assert told.count("send_attempt") == 1
    assert ending(told) == ("inconclusive", "did not end in time")


def test_an_interrupted_attempt_is_seen_through_first() -> None:
    """A new instance on an old ticket takes up what its predecessor left."""
    told = story(
        claim_episode={**CLAIMED, "unfinished_attempt": 1},
        watch_run="succeeded",
        send_attempt=UNKNOWN,
        reconcile_attempt=ISSUED,
    )

    assert told.calls[:3] == ["claim_episode", "send_attempt", "reconcile_attempt"]
    assert "prepare_attempt" not in told.calls
    assert ending(told)[0] == "healed"


@pytest.mark.parametrize(
    "step", [name for name in USUAL if name not in {"close_ticket", "undo_attempt"}]
)
def test_whatever_breaks_a_person_hears_of_it(step: str) -> None:
    """A step that keeps failing ends in a ticket that says so, not in silence."""
    told = story(**{step: RuntimeError("Activity function failed: the disk is full\nstack")})

    outcome, conclusion = ending(told)
    assert outcome == "inconclusive"
    assert "the disk is full" in conclusion
    assert "stack" not in conclusion


def test_it_never_goes_round_for_ever() -> None:
    """Somebody who reruns it by hand again and again is not followed without end."""
    told = story(
        prepare_attempt={"state": "busy", "run_id": "by-hand"}, watch_run=lambda _: "failed"
    )

    assert told.count("prepare_attempt") == MAX_ROUNDS
    assert ending(told)[0] == "inconclusive"


def test_somebody_elses_rerun_that_never_ends_is_handed_over() -> None:
    """It is watched for as long as one of ours would be, not fifty times as long."""
    told = story(
        prepare_attempt={"state": "busy", "run_id": "by-hand"}, watch_run=["failed", "timed_out"]
    )

    assert ending(told)[0] == "inconclusive"
    assert "by-hand" in ending(told)[1]


WATCH = {
    "ticket_id": "TIK-1",
    "run_id": "r2",
    "poll_seconds": 30,
    "give_up_at": (NOW + timedelta(hours=2)).isoformat(),
}


def look(phase: str) -> dict[str, str]:
    """Return what one look tells."""
    return {"phase": phase}


@pytest.mark.parametrize("phase", ["succeeded", "failed", "cancelled", "refused"])
def test_the_monitor_ends_when_the_run_does(phase: str) -> None:
    """It returns how, after waiting once per look."""
    told = run(watch_run, WATCH, {"look_at_run": [look("active"), look("active"), look(phase)]})

    assert (told.output, told.waited_seconds) == (phase, 60)


def test_the_monitor_starts_afresh_before_its_history_grows() -> None:
    """At most 20 looks per generation; the state goes along."""
    told = run(watch_run, WATCH, {"look_at_run": look("active")})

    assert told.count("look_at_run") == LOOKS_PER_GENERATION == 20
    assert told.continued_with["give_up_at"] == "2026-11-20T04:07:11Z"


def generations(answers: dict[str, Any]) -> tuple[Told, float]:
    """Run the monitor through all its generations; return the last and the time it took."""
    payload: object = WATCH
    waited = 0.0
    while True:
        told = run(watch_run, payload, answers, at=NOW + timedelta(seconds=waited))
        waited += told.waited_seconds
        if told.continued_with is None:
            return told, waited
        payload = told.continued_with


def test_a_monitor_gives_up_at_its_deadline() -> None:
    """Two hours of looking, in generations, and an honest end."""
    told, waited = generations({"look_at_run": look("active")})

    assert (told.output, waited) == ("timed_out", 2 * 3600)


def test_missing_is_forgiven_for_a_while() -> None:
    """Reads lag behind writes; two minutes of "never heard of it" are the end."""
    told = run(watch_run, WATCH, {"look_at_run": [look("missing")] * 3 + [look("succeeded")]})
    lost, waited = generations({"look_at_run": look("missing")})

    assert told.output == "succeeded"
    assert (lost.output, waited) == ("missing", MISSING_GRACE.total_seconds())


def test_no_answer_is_outlived() -> None:
    """An outage of the control plane neither ends the watch nor counts as missing."""
    looks = [look("unreadable")] * 15 + [look("succeeded")]

    assert run(watch_run, WATCH, {"look_at_run": looks}).output == "succeeded"


def test_seen_again_forgets_that_it_was_missing() -> None:
    """Only an unbroken absence counts."""
    looks = ([look("missing")] * 3 + [look("active")]) * 4 + [look("succeeded")]

    assert run(watch_run, WATCH, {"look_at_run": looks}).output == "succeeded"
