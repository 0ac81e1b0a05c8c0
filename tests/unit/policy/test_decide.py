"""What policy allows: a table of promises, and properties of all decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis import Action, Category, Classification, RerunSafety, Risk
from shared.domain.attempt import AttemptOutcome
from shared.domain.decision import Decision, Effect
from shared.domain.run import RunPhase
from shared.domain.ticket import OUTCOMES, Outcome, Status
from shared.policy.decide import decide
from shared.policy.facts import PastAttempt, PolicyFacts
from shared.policy.rules import HOLD_SECONDS, RULES

SURE = PolicyFacts(
    run_phase=RunPhase.FAILED,
    failed_steps=1,
    classification=Classification.TRUE_POSITIVE,
    category=Category.TRANSIENT_NETWORK,
    signature="sql-connection-timeout",
    confidence=0.93,
    auto_remediable=True,
    action=Action.RERUN_FROM_FAILURE,
    action_known=True,
    risk=Risk.LOW,
    mode="auto",
    confidence_threshold=0.8,
    max_attempts=3,
    kill_switch=False,
    max_failing_share=0.4,
    inconclusive_until_open=3,
)
TRIED = PastAttempt(
    action=Action.RERUN_FROM_FAILURE,
    signature="sql-connection-timeout",
    outcome=AttemptOutcome.NOT_HEALED,
)
PROBABLY_NOTHING: dict[str, object] = {
    "classification": Classification.FALSE_POSITIVE,
    "auto_remediable": False,
    "action": Action.NONE,
    "category": Category.BENIGN,
    "run_phase": RunPhase.SUCCEEDED,
    "confidence": 0.7,
}
LOST = TRIED.model_copy(update={"seen": False})


@pytest.mark.parametrize(
    ("change", "effect", "outcome"),
    [
        pytest.param({}, Effect.EXECUTE, None, id="sure and first time: execute"),
        pytest.param({"risk": Risk.MEDIUM}, Effect.EXECUTE, None, id="medium risk: execute"),
        pytest.param({"risk": Risk.HIGH}, Effect.ASK, Outcome.NOT_REMEDIABLE, id="high risk: ask"),
        pytest.param({"mode": "hil"}, Effect.ASK, Outcome.NOT_REMEDIABLE, id="HIL: ask"),
        pytest.param({"confidence": 0.8}, Effect.EXECUTE, None, id="at the threshold: execute"),
        pytest.param({"confidence": 0.79}, Effect.ASK, Outcome.NOT_REMEDIABLE, id="below it: ask"),
        pytest.param(
            {"kill_switch": True},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="kill switch: escalate",
        ),
        pytest.param(
            {"auto_remediable": False},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="no cure: escalate",
        ),
        pytest.param(
            {"category": None},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="unknown cause: escalate",
        ),
        pytest.param(
            {"action_known": False},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="action not in the catalogue: escalate",
        ),
        pytest.param({"past": (TRIED, TRIED)}, Effect.EXECUTE, None, id="third try: execute"),
        pytest.param(
            {"past": (TRIED,) * 3}, Effect.ESCALATE, Outcome.NOT_HEALED, id="tries used up"
        ),
        pytest.param(
            {"max_attempts": 0},
            Effect.ESCALATE,
            Outcome.BUDGET_EXHAUSTED,
            id="no tries at all: zero means never",
        ),
        pytest.param(
            {"past": (TRIED,), "max_attempts_for_cause": 1},
            Effect.ESCALATE,
            Outcome.NOT_HEALED,
            id="this cause is worth one try only",
        ),
        pytest.param(
            {"past": (TRIED,), "max_attempts_for_cause": 1, "signature": "other"},
            Effect.EXECUTE,
            None,
            id="another cause than last time: execute",
        ),
        pytest.param({"past": (LOST,)}, Effect.EXECUTE, None, id="lost request, low risk"),
        pytest.param(
            {"past": (LOST,), "risk": Risk.MEDIUM},
            Effect.ASK,
            Outcome.NOT_REMEDIABLE,
            id="lost request, some risk: ask",
        ),
        pytest.param(
            {"run_phase": RunPhase.CANCELLED},
            Effect.CLOSE,
            Outcome.CANCELLED,
            id="cancelled run: never rerun",
        ),
        pytest.param(
            {"category": Category.CANCELLED_BY_USER},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="a failed run with a cancelled step: never rerun, a person hears of it",
        ),
        pytest.param(
            {"newer_success_run_id": "r2"}, Effect.CLOSE, Outcome.SUPERSEDED, id="superseded"
        ),
        pytest.param(
            {"handled_by": "TIK-2", "run_phase": None},
            Effect.CLOSE,
            Outcome.SUPERSEDED,
            id="another ticket has it",
        ),
        pytest.param({"run_phase": None}, Effect.CLOSE, Outcome.NOT_CONFIRMED, id="no such run"),
        pytest.param(
            {"run_phase": RunPhase.SUCCEEDED, "failed_steps": 0, "recovered": True},
            Effect.CLOSE,
            Outcome.SELF_RECOVERED,
            id="it has recovered: close",
        ),
        pytest.param(
            {"past": (TRIED,), "platform_tries": 1}, Effect.EXECUTE, None, id="one of three left"
        ),
        pytest.param(
            {"past": (TRIED,), "platform_tries": 2},
            Effect.ESCALATE,
            Outcome.NOT_HEALED,
            id="the platform's tries count",
        ),
        pytest.param(
            {"platform_tries": 9}, Effect.EXECUTE, None, id="but one of ours is always left"
        ),
        pytest.param(
            {"rerun_safety": RerunSafety.NEVER},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="never rerun",
        ),
        pytest.param(
            {"rerun_safety": RerunSafety.FROM_FAILURE, "reruns_everything": True},
            Effect.ASK,
            Outcome.NOT_REMEDIABLE,
            id="only the failed part may run again: ask",
        ),
        pytest.param(
            {"rerun_safety": RerunSafety.FROM_FAILURE},
            Effect.EXECUTE,
            None,
            id="and it is only that",
        ),
        pytest.param(
            {"failing_targets": 5, "known_targets": 10, "min_failing_targets": 5},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="half of all fails at once: escalate",
        ),
        pytest.param(
            {"failing_targets": 4, "known_targets": 10, "min_failing_targets": 4},
            Effect.EXECUTE,
            None,
            id="40 % is not more than 40 %",
        ),
        pytest.param(
            {"failing_targets": 4, "known_targets": 4, "min_failing_targets": 5},
            Effect.EXECUTE,
            None,
            id="all of a few is not many",
        ),
        pytest.param(
            {"inconclusive_in_a_row": 3}, Effect.ASK, Outcome.NOT_REMEDIABLE, id="breaker: ask"
        ),
        pytest.param({"inconclusive_in_a_row": 2}, Effect.EXECUTE, None, id="not open yet"),
        pytest.param(
            {"limit_reached": "5 attempts per hour"},
            Effect.WAIT,
            Outcome.BUDGET_EXHAUSTED,
            id="a limit is reached: wait",
        ),
        pytest.param(
            {"limit_reached": "5 attempts per hour", "kill_switch": True},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="who must not act does not wait",
        ),
        pytest.param(
            {"run_phase": RunPhase.SUCCEEDED, "failed_steps": 0},
            Effect.CLOSE,
            Outcome.NOT_CONFIRMED,
            id="it did not fail",
        ),
        pytest.param(
            {"run_phase": RunPhase.SUCCEEDED, "failed_steps": 1},
            Effect.EXECUTE,
            None,
            id="green run with a failed step: a failure all the same",
        ),
        pytest.param(
            {"run_phase": RunPhase.ACTIVE},
            Effect.ESCALATE,
            Outcome.INCONCLUSIVE,
            id="still running after all the waiting",
        ),
        pytest.param(
            {"run_phase": None, "read_problem": "adf: HTTP 403"},
            Effect.ESCALATE,
            Outcome.INCONCLUSIVE,
            id="unreadable means no, and a person hears of it",
        ),
        pytest.param(
            {
                "classification": Classification.FALSE_POSITIVE,
                "auto_remediable": False,
                "run_phase": RunPhase.SUCCEEDED,
            },
            Effect.CLOSE,
            Outcome.FALSE_POSITIVE,
            id="benign: close",
        ),
        pytest.param(
            {"classification": Classification.FALSE_POSITIVE, "auto_remediable": False},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="benign words in a failed run: a person looks",
        ),
        pytest.param(
            PROBABLY_NOTHING,
            Effect.WAIT,
            Outcome.FALSE_POSITIVE,
            id="probably benign: held for a while",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"mode": "hil", "kill_switch": True, "limit_reached": "5"},
            Effect.WAIT,
            Outcome.FALSE_POSITIVE,
            id="probably benign: nothing is done, so nothing stands against waiting",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"open_seconds": HOLD_SECONDS - 0.1},
            Effect.WAIT,
            Outcome.FALSE_POSITIVE,
            id="probably benign, not long enough: still held",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"open_seconds": HOLD_SECONDS},
            Effect.CLOSE,
            Outcome.FALSE_POSITIVE,
            id="probably benign, long enough: close",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"confidence": 0.8},
            Effect.CLOSE,
            Outcome.FALSE_POSITIVE,
            id="benign at the threshold: close at once",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"cancel_requested": True},
            Effect.CLOSE,
            Outcome.CANCELLED,
            id="probably benign, and a person asked to stop: stop",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"run_phase": RunPhase.FAILED},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="probably benign words in a failed run: a person looks",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"run_phase": None, "without_record": True},
            Effect.WAIT,
            Outcome.FALSE_POSITIVE,
            id="no run behind it and probably benign: held for a while",
        ),
        pytest.param(
            PROBABLY_NOTHING | {"run_phase": None, "without_record": True, "confidence": 0.9},
            Effect.CLOSE,
            Outcome.FALSE_POSITIVE,
            id="no run behind it and benign: close",
        ),
        pytest.param(
            {"run_phase": None, "without_record": True},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="no run behind it: for a person",
        ),
        pytest.param(
            {"run_phase": None, "without_record": True, "alert_resolved": True},
            Effect.CLOSE,
            Outcome.SELF_RECOVERED,
            id="no run behind it and over, says its sender: close",
        ),
        pytest.param(
            {"run_phase": None, "without_record": True, "canary": True},
            Effect.CLOSE,
            Outcome.FALSE_POSITIVE,
            id="a canary has come through: close",
        ),
        pytest.param(
            {"alert_resolved": True}, Effect.EXECUTE, None, id="the run itself is not over: execute"
        ),
        pytest.param(
            {"cancel_requested": True, "kill_switch": True},
            Effect.CLOSE,
            Outcome.CANCELLED,
            id="a person asked to stop: close",
        ),
        pytest.param(
            {"healed_lately": 2, "max_healed_lately": 2},
            Effect.ESCALATE,
            Outcome.NOT_HEALED,
            id="healed and back again too often: escalate",
        ),
        pytest.param(
            {"healed_lately": 1, "max_healed_lately": 2}, Effect.EXECUTE, None, id="once: execute"
        ),
        pytest.param(
            {"outage": "Data Factory is down"},
            Effect.WAIT,
            Outcome.INCONCLUSIVE,
            id="a known outage: wait",
        ),
        pytest.param(
            {"freeze": "year end"}, Effect.ASK, Outcome.NOT_REMEDIABLE, id="a freeze holds: ask"
        ),
        pytest.param(
            {"freeze": "year end", "approved_by": "ana"},
            Effect.EXECUTE,
            None,
            id="a freeze holds, and people have agreed: execute",
        ),
        pytest.param(
            {"maintenance": "network"},
            Effect.WAIT,
            Outcome.INCONCLUSIVE,
            id="a maintenance goes on: wait",
        ),
        pytest.param(
            {"maintenance": "network", "approved_by": "ana"},
            Effect.WAIT,
            Outcome.INCONCLUSIVE,
            id="a maintenance goes on: no word of people's ends it",
        ),
        pytest.param(
            {"maintenance": "network", "freeze": "year end"},
            Effect.ASK,
            Outcome.NOT_REMEDIABLE,
            id="a freeze during a maintenance: ask",
        ),
        pytest.param(
            {"allowed": False},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="not among the allowed actions: escalate",
        ),
        pytest.param(
            {"allowed": False, "approved_by": "ana"},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="not allowed, and people have agreed: escalate",
        ),
        pytest.param(
            {"kill_switch": True, "kill_switch_scope": "target:load", "approved_by": "ana"},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="a narrow kill switch stops as the wide one does",
        ),
        pytest.param(
            {"mode": "hil", "risk": Risk.HIGH, "confidence": 0.1, "approved_by": "ana"},
            Effect.EXECUTE,
            None,
            id="people have agreed: execute",
        ),
        pytest.param(
            {"approved_by": "ana", "kill_switch": True},
            Effect.ESCALATE,
            Outcome.NOT_REMEDIABLE,
            id="people have agreed, and the kill switch is on: escalate",
        ),
        pytest.param(
            {"approved_by": "ana", "newer_success_run_id": "r"},
            Effect.CLOSE,
            Outcome.SUPERSEDED,
            id="people have agreed, and it is well already: close",
        ),
    ],
)
def test_decision(change: dict[str, object], effect: Effect, outcome: Outcome | None) -> None:
    """Each row changes one fact about a case that would otherwise be executed."""
    decision = decide(SURE.model_copy(update=change))

    assert decision.outcome is effect
    assert decision.ticket_outcome == outcome


def test_no_rules_means_no() -> None:
    """An empty rule list is a mistake, not a permission."""
    assert decide(SURE, rules={}).outcome is Effect.ESCALATE


def test_a_rule_that_fails_stops_the_decision() -> None:
    """A guard never fails open."""

    def broken(_: PolicyFacts) -> None:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError):
        decide(SURE, rules={"broken": broken})  # type: ignore[dict-item]


FACTS = st.builds(
    PolicyFacts,
    run_phase=st.none() | st.sampled_from(RunPhase),
    failed_steps=st.integers(0, 3),
    newer_success_run_id=st.none() | st.just("r2"),
    handled_by=st.none() | st.just("TIK-2"),
    read_problem=st.sampled_from(["", "HTTP 403"]),
    classification=st.sampled_from(Classification),
    category=st.none() | st.sampled_from(Category),
    signature=st.none() | st.just("s"),
    confidence=st.floats(0, 1),
    auto_remediable=st.booleans(),
    action=st.sampled_from(Action),
    action_known=st.booleans(),
    risk=st.sampled_from(Risk),
    max_attempts_for_cause=st.none() | st.integers(0, 3),
    past=st.lists(st.sampled_from([TRIED, LOST]), max_size=4).map(tuple),
    mode=st.sampled_from(["auto", "hil"]),
    confidence_threshold=st.floats(0, 1),
    max_attempts=st.integers(0, 5),
    kill_switch=st.booleans(),
    freeze=st.sampled_from(["", "year end"]),
    maintenance=st.sampled_from(["", "network"]),
    allowed=st.booleans(),
)


@given(FACTS)
def test_each_further_rule_only_makes_it_stricter(facts: PolicyFacts) -> None:
    """The strictest verdict wins, in whatever order the rules are asked."""
    order = list(Effect)
    names = list(RULES)

    def rank(decision: Decision) -> int:
        # A pause before an end is as strict as that end.
        ends = decision.ticket_outcome == Outcome.FALSE_POSITIVE
        return order.index(Effect.CLOSE if ends else decision.outcome)

    strictness = [
        rank(decide(facts, {name: RULES[name] for name in names[:count]}))
        for count in range(1, len(names) + 1)
    ]

    assert strictness == sorted(strictness)


@given(FACTS)
def test_execute_only_with_every_rule_in_favour(facts: PolicyFacts) -> None:
    """Acting alone needs a confirmed failure, a known cure, tries left and no stop."""
    decision = decide(facts)

    assert len(decision.reasons) == len(RULES)
    if decision.outcome is Effect.EXECUTE:
        assert {reason.verdict for reason in decision.reasons} == {"allow"}
        assert facts.auto_remediable
        assert facts.action_known
        assert not facts.kill_switch
        assert not facts.freeze
        assert not facts.maintenance
        assert facts.allowed
        assert facts.mode == "auto"
        assert facts.run_phase in {RunPhase.FAILED, RunPhase.SUCCEEDED}
        assert facts.category is not Category.CANCELLED_BY_USER
        assert len(facts.past) < facts.max_attempts


@given(FACTS)
def test_an_ending_decision_names_an_outcome_that_fits(facts: PolicyFacts) -> None:
    """What closes a ticket gives it an outcome of a closed ticket, and so on."""
    decision = decide(facts)
    status = {
        Effect.CLOSE: Status.CLOSED,
        Effect.ESCALATE: Status.ESCALATED,
        Effect.ASK: Status.ESCALATED,
    }.get(decision.outcome)

    if status is not None:
        assert decision.ticket_outcome in OUTCOMES[status]


@given(FACTS)
def test_the_same_facts_give_the_same_record(facts: PolicyFacts) -> None:
    """A decision replays byte for byte from the facts kept with it."""
    kept = facts.model_dump_json()

    assert decide(PolicyFacts.model_validate_json(kept)) == decide(facts)
