"""Signatures first; a model where none matches; what is around the failure, as far as it helps."""

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

import shared.usecases.analyse as analysing
from shared.domain.alert import Outage
from shared.domain.analysis import Action, Analysis, Category, RerunSafety, Risk
from shared.domain.errors import ModelUnavailable, Transient, Unavailable
from shared.domain.run import RunPhase, StepFailure
from shared.domain.ticket import Change, Outcome
from shared.policy.backoff import Backoff
from shared.ports.tickets import TicketPage, TicketQuery
from shared.stores.memory import MemoryStore
from shared.usecases import ask_model, gather_evidence
from shared.usecases.analyse import analyse
from shared.usecases.close_ticket import close_ticket
from shared.usecases.decide_next import PolicyDefaults, decide_next
from shared.usecases.episode import claim_episode
from shared.usecases.gather_evidence import read_outside
from shared.usecases.known_outages import note_outage
from shared.usecases.operator_settings import ExecutionMode
from shared.usecases.read_back import read_back
from tests.support.builders import NOW, RUN, StoppedClock, a_run, an_opening
from tests.support.models import ScriptedModel
from tests.support.pipelines import ScriptedPipelines

ID = "TIK-20261120-000001"
KNOWN = StepFailure(
    step="Copy", step_type="Copy", error_code="2200", message="SqlErrorNumber=40613"
)
STRANGE = StepFailure(step="Copy", step_type="Copy", message="zibble frobnicated the wug")
ANSWER = {
    "claims": [
        {"statement": "The wug was hit.", "evidence_ids": ["e1"], "quote": "frobnicated the wug"}
    ],
    "category": "transient_network",
    "action": "rerun_from_failure",
    "confidence": 1.0,
    "root_cause": "Something frobnicated the wug.",
    "recommendations": [],
}
DEFAULTS = PolicyDefaults(
    mode=ExecutionMode(mode="auto", confidence_threshold=0.8),
    max_attempts=3,
    backoff=Backoff(60, 2, 900),
)


class World:
    """A ticket whose run failed in a certain way, and who can be asked about it."""

    def __init__(self, failure: StepFailure = STRANGE) -> None:
        self.store, self.clock = MemoryStore(), StoppedClock()
        self.adf = ScriptedPipelines(a_run())
        self.adf.failed_steps[RUN] = (failure,)
        self.model = ScriptedModel(ANSWER)
        self.wording = False

    async def begin(self) -> None:
        """Open the ticket and read its run back."""
        await self.store.create(an_opening(ID))
        await claim_episode(ID, f"rem-{ID}-1", self.store, self.clock)
        await read_back(ID, self.store, self.adf, self.clock)

    async def analysed(self, *, model: bool = True, around: bool = True) -> Analysis:
        """Return what is believed."""
        return await analyse(
            ID,
            self.store,
            self.adf,
            self.clock,
            surroundings=self.adf if around else None,
            advisor=self.model.advisor(self.store, self.clock, wording=self.wording)
            if model
            else None,
        )

    async def decided(self) -> str:
        """Return what policy says."""
        found = await decide_next(ID, self.store, self.clock, defaults=DEFAULTS, random=lambda: 0.5)
        return found.decision.outcome

    async def last(self) -> dict[str, Any]:
        """Return what the timeline says of the last analysis."""
        events = await self.store.events(ID)
        return [event.data for event in events if event.type == "analysis.done"][-1]


@pytest.fixture
async def world() -> World:
    """Return a failure that no signature knows."""
    made = World()
    await made.begin()
    return made


@pytest.fixture
async def known() -> World:
    """Return a failure that a signature knows."""
    made = World(KNOWN)
    await made.begin()
    return made


async def test_a_signature_is_never_overruled(known: World) -> None:
    """The model is not even asked."""
    found = await known.analysed()

    assert (found.method, found.signature is not None) == ("signature", True)
    assert known.model.asked == []
    assert await known.decided() == "execute"


async def test_a_model_explains_what_no_signature_does(world: World) -> None:
    """And a person decides about it."""
    found = await world.analysed()

    assert (found.method, found.category) == ("model", Category.TRANSIENT_NETWORK)
    assert (found.action, found.confidence) == (Action.RERUN_FROM_FAILURE, 0.79)
    assert found.evidence[0].id == "e1"
    assert "frobnicated" in found.evidence[0].text
    assert await world.decided() == "ask"
    assert (await world.last())["model"] == "answered"
    assert (await world.store.get(ID)).analysis == found


async def test_without_a_model_rules_decide(world: World) -> None:
    """As they did before there was one."""
    found = await world.analysed(model=False)

    assert (found.method, found.category, found.confidence) == ("rules", None, 0)
    assert "model" not in await world.last()
    assert await world.decided() == "escalate"


async def test_low_thresholds_do_not_let_it_act_alone(world: World) -> None:
    """Not even where operators trust signatures that are half sure: its risk is always high."""
    found = await world.analysed()
    trusting = PolicyDefaults(
        mode=ExecutionMode(mode="auto", confidence_threshold=0.1),
        max_attempts=3,
        backoff=Backoff(60, 2, 900),
    )

    decided = await decide_next(ID, world.store, world.clock, defaults=trusting, random=lambda: 0.5)

    assert found.risk is Risk.HIGH
    assert decided.decision.outcome == "ask"


async def test_it_is_asked_once_however_often_the_step_is_carried_out(world: World) -> None:
    """The answer is kept, and so is the verdict."""
    first = await world.analysed()

    assert await world.analysed() == first
    assert len(world.model.asked) == 1


async def test_the_same_failure_of_another_run_is_not_asked_about_again(world: World) -> None:
    """The answer is judged anew, by the other ticket's own evidence."""
    first = await world.analysed()
    later = "3d1f0000-0000-4000-8000-000000000002"
    world.adf.known[later] = a_run(later)
    world.adf.failed_steps[later] = (STRANGE.model_copy(update={"step": "Copy"}),)
    ticket = an_opening("TIK-20261120-000002").ticket
    ticket = ticket.model_copy(
        update={"current_run_id": later, "fingerprint": "0" * 32, "version": 1}
    )
    opening = an_opening("TIK-20261120-000002")
    await world.store.create(Change(ticket, opening.events, opening.outbox))
    await read_back(ticket.id, world.store, world.adf, world.clock)

    found = await analyse(
        ticket.id,
        world.store,
        world.adf,
        world.clock,
        surroundings=world.adf,
        advisor=world.model.advisor(world.store, world.clock),
    )

    assert len(world.model.asked) == 1
    assert (found.category, found.confidence) == (first.category, first.confidence)


@pytest.mark.parametrize("answer", ["", "{}", "<html>", {**ANSWER, "action": "rm -rf"}])
async def test_a_bad_answer_leaves_it_to_rules(world: World, answer: object) -> None:
    """The ticket goes on as if nobody had been asked, and says so."""
    world.model.answer = answer

    found = await world.analysed()

    assert (found.method, found.category) == ("rules", None)
    assert str((await world.last())["model"]).startswith("its ")
    assert await world.decided() == "escalate"


async def test_everything_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model and the system of record: rules decide, in time."""
    monkeypatch.setattr(analysing, "MAX_SECONDS_IN_ALL", 0.4)
    world.model.hangs = True

    async def hang(*_: object) -> Any:
        await asyncio.Event().wait()

    for name in ("runs", "definition", "output"):
        monkeypatch.setattr(world.adf, name, hang)
    monkeypatch.setattr(analysing, "read_outside", partial(read_outside, seconds=0.1))
    began = time.monotonic()

    found = await world.analysed()

    assert found.method == "rules"
    assert time.monotonic() - began < 5.0


def test_all_that_is_a_bonus_takes_less_than_35_seconds() -> None:
    """However slow everybody is."""
    assert analysing.MAX_SECONDS_IN_ALL < 35
    assert ask_model.MAX_SECONDS <= 30
    assert gather_evidence.MAX_SECONDS + ask_model.MAX_SECONDS < analysing.MAX_SECONDS_IN_ALL


async def test_a_definition_that_hangs_is_not_waited_for(
    known: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the rerun's safety is unknown."""

    async def hang(*_: object) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(known.adf, "definition", hang)
    monkeypatch.setattr(analysing, "MAX_SECONDS_IN_ALL", 0.1)
    monkeypatch.setattr(analysing, "reruns_everything", lambda *_: True)

    assert (await known.analysed()).rerun_safety is RerunSafety.UNKNOWN


async def test_what_is_around_is_told(world: World) -> None:
    """Earlier runs, the last change, the output, an outage, and how others ended."""
    earlier = a_run("earlier", RunPhase.SUCCEEDED, started_at=NOW - timedelta(days=1))
    world.adf.known["earlier"] = earlier
    published = (NOW - timedelta(hours=2)).isoformat()
    world.adf.definitions["load_customer_data"] = {"properties": {"lastPublishTime": published}}
    world.adf.outputs[RUN, "Copy"] = {"rowsRead": 7}
    outage = Outage(
        tracking_id="AB12",
        title="Data Factory in West Europe",
        services=("Azure Data Factory",),
        kind="Incident",
        since=NOW - timedelta(hours=1),
        active=True,
    )
    await note_outage(outage, "azure-monitor", world.store)
    await world.store.create(an_opening("TIK-20261119-000009"))
    await close_ticket("TIK-20261119-000009", Outcome.CANCELLED, "done", world.store, world.clock)

    found = await world.analysed()

    (prompt,) = world.model.prompts
    for words in ("succeeded", "hours before", "rowsRead", "West Europe", "TIK-20261119"):
        assert words in prompt, words
    assert prompt.index("frobnicated") < prompt.index("rowsRead") < prompt.index("West Europe")
    told = {piece.source: piece.text for piece in found.evidence}
    assert "cancelled" in told["mend.ticket"]
    assert "West Europe" in told["platform.outage"]
    assert len({piece.id for piece in found.evidence}) == len(found.evidence)


async def test_what_others_wrote_into_tickets_is_not_told(world: World) -> None:
    """Of similar tickets only our own words: a poisoned one must not poison the next."""
    poisoned = an_opening("TIK-20261119-000009")
    await world.store.create(poisoned)
    await world.store.update(
        "TIK-20261119-000009",
        lambda ticket: ticket.changed(
            NOW,
            "t",
            "m",
            title="POISON",
            description="POISON",
            analysis=Analysis(root_cause="POISON", recommendations=("POISON",)),
        ),
    )
    await close_ticket("TIK-20261119-000009", Outcome.CANCELLED, "POISON", world.store, world.clock)

    await world.analysed()

    (prompt,) = world.model.prompts
    assert "TIK-20261119-000009" in prompt
    assert "POISON" not in prompt


@pytest.mark.parametrize("problem", [Transient("adf", "HTTP 503"), KeyError("bug"), ValueError()])
async def test_looking_around_never_fails_an_analysis(world: World, problem: Exception) -> None:
    """It is a bonus."""
    world.adf.problem = problem

    assert (await world.analysed()).method == "model"


async def test_nothing_is_read_around_what_a_signature_knows(known: World) -> None:
    """It would cost time and calls, and change nothing."""
    known.adf.problem = AssertionError("asked")

    assert (await known.analysed()).method == "signature"


async def test_a_search_that_fails_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Similar tickets are a bonus too."""

    async def fail(_: TicketQuery) -> TicketPage:
        raise Unavailable("busy")

    monkeypatch.setattr(world.store, "search", fail)

    assert (await world.analysed()).method == "model"


async def test_nobody_is_asked_where_nothing_is_left_to_do(world: World) -> None:
    """A run that another ticket has, or that has succeeded since."""
    seen = (await world.store.get(ID)).observation
    assert seen is not None
    taken = seen.model_copy(update={"handled_by": "TIK-other"})
    await world.store.update(ID, lambda one: one.changed(NOW, "t", "m", observation=taken))

    assert (await world.analysed()).method == "rules"
    assert world.model.asked == []


async def test_wording_is_off_unless_it_is_wanted(known: World) -> None:
    """And where it is on, only the words change."""
    plain = await known.analysed(model=False)
    known.model.answer = {
        "evidence_ids": ["e1"],
        "quote": "SqlErrorNumber=40613",
        "root_cause": "The database of Copy was not there (40613).",
    }
    assert await known.analysed() == plain
    known.wording = True

    told = await known.analysed()

    assert told.root_cause.startswith(plain.root_cause)
    assert "40613" in told.root_cause
    assert told.model_copy(update={"root_cause": plain.root_cause}) == plain
    assert await known.decided() == "execute"


async def test_wording_that_fails_leaves_our_own(known: World) -> None:
    """A known cause needs nobody."""
    known.wording = True
    plain = await known.analysed(model=False)
    known.model.problem = ModelUnavailable("down")

    assert await known.analysed() == plain
    assert (await known.last())["model"] == "down"
