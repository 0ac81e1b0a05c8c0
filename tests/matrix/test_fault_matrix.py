"""Every fault of the wire, for every call that changes something: its outcome is declared here.

What is declared is what the ticket comes to and how many requests are made; that no attempt
takes effect twice holds in all of them.
"""

from dataclasses import dataclass
from enum import Enum

import pytest

from shared.actions.catalogue import Repeat
from shared.domain.ticket import Outcome, Status, Ticket
from simulators.client import Simulator
from tests.matrix.cells import Cells
from tests.matrix.scenarios import SCENARIOS, Scenario
from tests.matrix.world import Simulators

pytestmark = pytest.mark.usefixtures("short_questions")

TIMEOUT_SECONDS = 1.0


class Fate(Enum):
    """What a fault means for a request."""

    ARRIVED = "an answer came, late"
    TURNED_AWAY = "the other side says that nothing happened, and when to come back"
    REFUSED = "it will never be allowed"
    LOST = "no answer, and it never happened: nobody can know before having looked"
    LOST_ANSWER = "no answer, or one that cannot be read, although it happened"


FATES = {
    "slow_before": Fate.ARRIVED,
    "hold": Fate.LOST_ANSWER,
    "throttle_429": Fate.TURNED_AWAY,
    "conflict_409_retry_after": Fate.TURNED_AWAY,
    "unauthorized_401": Fate.REFUSED,
    "forbidden_403": Fate.REFUSED,
    "not_found_404": Fate.REFUSED,
    "refuse_503": Fate.LOST,
    "error_500_before": Fate.LOST,
    "html_502_before": Fate.LOST,
    "reset_before": Fate.LOST,
    "lose_answer_503": Fate.LOST_ANSWER,
    "lose_answer_504": Fate.LOST_ANSWER,
    "reset_after": Fate.LOST_ANSWER,
    "html_200": Fate.LOST_ANSWER,
    "html_502": Fate.LOST_ANSWER,
    "truncated_json": Fate.LOST_ANSWER,
    "wrong_schema": Fate.LOST_ANSWER,
}
REPEATS = {
    "createRun": Repeat.RECONCILABLE,
    "rerunTriggerRun": Repeat.RECONCILABLE,
    "repairRun": Repeat.RECONCILABLE,
    "runNow": Repeat.IDEMPOTENT_TOKEN,
    "startRun": Repeat.UNSAFE,
}
"""How the calls may be repeated; those that are not here are natural."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a cell has to come to."""

    outcomes: frozenset[Outcome]
    requests: int
    attempts: int = 1


HEALED = frozenset({Outcome.HEALED})


def expected(scenario: Scenario, call: str, fault: str) -> Expected:
    """Return what is declared for ``fault`` striking the first ``call``."""
    # There and back again: what is taken back is a request of its own.
    usual = scenario.effects[scenario.system_of(call), call]
    repeat = REPEATS.get(call, Repeat.NATURAL)
    fate = FATES[fault]
    if fate is Fate.REFUSED:
        return Expected(frozenset({Outcome.NOT_HEALED}), 1)
    if fate is Fate.LOST and repeat is Repeat.UNSAFE:
        return Expected(frozenset({Outcome.INCONCLUSIVE}), 1)
    if fate is Fate.LOST and repeat is Repeat.RECONCILABLE:
        if scenario.risky:
            return Expected(frozenset({Outcome.APPROVAL_EXPIRED}), 1)
        return Expected(HEALED, 2, attempts=2)
    with_a_key = fate is Fate.LOST_ANSWER and repeat is Repeat.IDEMPOTENT_TOKEN
    again = fate in {Fate.TURNED_AWAY, Fate.LOST} or with_a_key
    return Expected(HEALED, usual + again)


def system(simulators: Simulators, name: str) -> Simulator:
    """Return the simulator ``name``."""
    found: Simulator = getattr(simulators, name)
    return found


async def play(cells: Cells, where: str, call: str, fault: str) -> Ticket:
    """Play the scenario with ``fault`` striking the first ``call``."""
    seconds = 0.2 if fault == "slow_before" else 2 * TIMEOUT_SECONDS
    ticket, _ = await cells.play(
        trouble=lambda all_of_them: system(all_of_them, where).fault(call, fault, seconds=seconds),
        timeout_seconds=TIMEOUT_SECONDS if fault == "hold" else 30,
    )
    return ticket


CHANGES = [
    (name, where, call)
    for name, scenario in SCENARIOS.items()
    for where, call in scenario.effects
    # What the Logic App does over there is its own affair.
    if not (scenario.suggestion.by_logic_app and where != "logic_app")
]


@pytest.mark.parametrize(("cells", "where", "call"), CHANGES, indirect=["cells"], ids=str)
async def test_every_fault_of_a_change_has_its_outcome(cells: Cells, where: str, call: str) -> None:
    """One request per attempt, unless turned away, or where twice is once."""
    for fault in FATES:
        wanted = expected(cells.scenario, call, fault)

        ticket = await play(cells, where, call, fault)

        cell = f"{cells.scenario.name} {call} {fault}"
        assert ticket.outcome in wanted.outcomes, f"{cell}: {ticket.outcome} {ticket.summary}"
        assert (await cells.requests())[where, call] == wanted.requests, cell
        assert len(ticket.attempts) == wanted.attempts, cell
        for each, times in (await cells.effects()).items():
            assert times <= cells.scenario.effects.get(each, 0), f"{cell}: {each} {times} times"


READS = [
    ("rerun_from_failure", "adf", "getPipelineRun"),
    ("rerun_from_failure", "adf", "queryPipelineRuns"),
    ("rerun_from_failure", "adf", "queryActivityRuns"),
    ("start_trigger", "adf", "getTrigger"),
    ("repair_run", "databricks", "getRun"),
    ("repair_run", "databricks", "listRuns"),
    ("repair_run", "databricks", "getRunOutput"),
    ("restart_cluster", "databricks", "getCluster"),
    ("reinstall_libraries", "databricks", "libraryStatus"),
    ("resize_job_cluster", "databricks", "getJob"),
]


@pytest.mark.parametrize(("cells", "where", "call"), READS, indirect=["cells"], ids=str)
async def test_no_fault_of_a_read_does_harm(cells: Cells, where: str, call: str) -> None:
    """Outlived where it passes; handed over where it does not; never a second effect."""
    for fault, fate in FATES.items():
        ticket = await play(cells, where, call, fault)

        cell = f"{cells.scenario.name} {call} {fault}"
        assert ticket.status in {Status.RESOLVED, Status.ESCALATED}, f"{cell}: {ticket.outcome}"
        if fate is not Fate.REFUSED:
            assert ticket.outcome is Outcome.HEALED, f"{cell}: {ticket.outcome} {ticket.summary}"
        for each, times in (await cells.effects()).items():
            assert times <= cells.scenario.effects.get(each, 0), f"{cell}: {each} {times} times"
