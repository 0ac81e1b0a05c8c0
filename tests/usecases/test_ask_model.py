"""Budgets, memory, and the one way to fail of the way to a language model."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.diagnosis.model.question import Question, strict
from shared.domain.errors import ModelUnavailable, Unavailable
from shared.ports.settings import StoredSetting
from shared.stores.memory import MemoryStore
from shared.stores.sqlite import SqliteStore
from shared.usecases.ask_model import MAX_CALLS_PER_TICKET, Advisor, Usage, fingerprint
from tests.support.builders import StoppedClock
from tests.support.models import ScriptedModel

ID = "TIK-20261120-000001"


def a_question(topic: str = "", user: str = "<evidence>{}</evidence>") -> Question:
    """Return a question of some 40 tokens."""
    return Question(
        name="cause",
        system="Say a word.",
        user=user,
        schema_of_answer=strict({"word": {"type": "string"}}),
        topic=topic,
    )


def same(answer: str) -> str:
    """Read an answer without looking at it."""
    return answer


def refuse(_: str) -> str:
    """Make nothing of an answer."""
    raise ModelUnavailable("no good")


async def used(store: MemoryStore | SqliteStore) -> Usage:
    """Return what is counted."""
    stored = await store.read("model-usage")
    return Usage.model_validate(stored.value) if stored else Usage()


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[MemoryStore | SqliteStore]:
    """Yield an empty store of each kind."""
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "mend.db")
    yield made
    await made.close()


async def test_the_same_question_is_asked_once(store: MemoryStore | SqliteStore) -> None:
    """Also by another process later: a step that is carried out twice asks once."""
    clock, model = StoppedClock(), ScriptedModel("yes")
    for _ in range(3):
        assert await model.advisor(store, clock).ask(a_question(), same, about=ID) == "yes"
    assert len(model.asked) == 1

    clock.advance(days=8)
    await model.advisor(store, clock).ask(a_question(), same, about=ID)
    assert len(model.asked) == 2


async def test_an_answer_survives_a_restart(tmp_path: Path) -> None:
    """It is in the database, not in the process."""
    clock, model = StoppedClock(), ScriptedModel("yes")
    for _ in range(2):
        store = SqliteStore(tmp_path / "mend.db")
        assert await model.advisor(store, clock).ask(a_question(), same, about=ID) == "yes"
        await store.close()
    assert len(model.asked) == 1


async def test_the_topic_is_what_makes_questions_the_same() -> None:
    """Not the ids and times in them; another model is asked again."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes")
    for topic, user in (("a", "1"), ("a", "2"), ("b", "1")):
        await model.advisor(store, clock).ask(a_question(topic, user), same, about=user)
    assert len(model.asked) == 2
    model.name = "another"
    await model.advisor(store, clock).ask(a_question("a"), same, about="3")
    assert len(model.asked) == 3
    assert fingerprint(a_question("a"), "x") != fingerprint(a_question("a"), "y")


async def test_a_failure_is_never_kept() -> None:
    """Neither one of the model nor one of reading; three calls per ticket, then no more."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes")
    advisor = model.advisor(store, clock)
    model.problem = ModelUnavailable("down")
    with pytest.raises(ModelUnavailable, match="down"):
        await advisor.ask(a_question(), same, about=ID)
    model.problem = None
    with pytest.raises(ModelUnavailable, match="no good"):
        await advisor.ask(a_question(), refuse, about=ID)

    assert await advisor.ask(a_question(), same, about=ID) == "yes"
    assert len(model.asked) == MAX_CALLS_PER_TICKET
    with pytest.raises(ModelUnavailable, match="3 times already"):
        await advisor.ask(a_question("another"), same, about=ID)
    assert await advisor.ask(a_question("another"), same, about="TIK-2") == "yes"


async def test_the_calls_of_a_ticket_are_counted_over_midnight() -> None:
    """Its tokens belong to a day, its calls to it."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes", tokens=10)
    for number in range(MAX_CALLS_PER_TICKET):
        await model.advisor(store, clock).ask(a_question(str(number)), same, about=ID)
        clock.advance(days=1)
    with pytest.raises(ModelUnavailable, match="3 times"):
        await model.advisor(store, clock).ask(a_question("last"), same, about=ID)
    assert (await used(store)).tokens == 10


async def test_a_day_has_so_many_tokens() -> None:
    """Counted before a question leaves; the next day begins anew."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes")
    one = a_question().estimated_tokens + 1_000
    advisor = model.advisor(store, clock, tokens=2 * one)
    for number in range(2):
        await advisor.ask(a_question(user=f"{number}"), same, about=f"T{number}")
    with pytest.raises(ModelUnavailable, match="tokens a day"):
        await advisor.ask(a_question(user="2"), same, about="T2")
    assert len(model.asked) == 2

    clock.advance(days=1)
    assert await advisor.ask(a_question(user="2"), same, about="T2") == "yes"


async def test_what_was_really_used_takes_the_place_of_the_estimate() -> None:
    """As far as the endpoint tells; a failed call costs what it could have."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes", tokens=123)
    advisor = model.advisor(store, clock)
    await advisor.ask(a_question(), same, about=ID)
    assert (await used(store)).tokens == 123

    model.problem = ModelUnavailable("down")
    with pytest.raises(ModelUnavailable):
        await advisor.ask(a_question("b"), same, about=ID)
    assert (await used(store)).tokens > 1_000


async def test_the_budget_holds_when_many_ask_at_once(store: MemoryStore | SqliteStore) -> None:
    """Counted by compare-and-set: never one more than there is room for."""
    clock, model = StoppedClock(), ScriptedModel("yes")
    one = a_question(user="00").estimated_tokens + 1_000
    advisor = model.advisor(store, clock, tokens=3 * one)

    answers = await asyncio.gather(
        *(
            advisor.ask(a_question(user=f"{number:02}"), same, about=f"T{number}")
            for number in range(12)
        ),
        return_exceptions=True,
    )

    assert 1 <= sum(answer == "yes" for answer in answers) <= 3
    assert all(answer == "yes" or isinstance(answer, ModelUnavailable) for answer in answers)
    assert len(model.asked) <= 3


async def test_it_is_counted_before_it_leaves() -> None:
    """A crash in between costs tokens; it makes none free."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes")
    seen: list[int] = []
    model.before = lambda: seen.append(len(store._settings))

    await model.advisor(store, clock).ask(a_question(), same, about=ID)

    assert seen == [1]


async def test_a_question_that_is_too_long_stays_here() -> None:
    """Eight thousand tokens, four characters each."""
    model = ScriptedModel("yes")
    with pytest.raises(ModelUnavailable, match="of 8000"):
        await model.advisor(MemoryStore(), StoppedClock()).ask(
            a_question(user="x" * 33_000), same, about=ID
        )
    assert model.asked == []


async def test_a_model_that_hangs_is_left_alone_in_time() -> None:
    """Whoever asks says how long."""
    model = ScriptedModel("yes")
    model.hangs = True
    with pytest.raises(ModelUnavailable, match="no answer"):
        await model.advisor(MemoryStore(), StoppedClock()).ask(
            a_question(), same, about=ID, seconds=0.05
        )


class Broken(MemoryStore):
    """A store whose settings cannot be read, or make no sense."""

    def __init__(self, value: dict[str, object] | None) -> None:
        super().__init__()
        self.value = value

    async def read(self, name: str) -> StoredSetting | None:
        """Fail, or answer nonsense."""
        if self.value is None:
            raise Unavailable("no disk")
        return StoredSetting(self.value, 1)


@pytest.mark.parametrize("value", [None, {"tokens": "many", "day": 5}, {"tokens": -5}])
async def test_what_cannot_be_counted_is_not_asked(value: dict[str, object] | None) -> None:
    """A guard never fails open."""
    model = ScriptedModel("yes")
    with pytest.raises(ModelUnavailable):
        await model.advisor(Broken(value), StoppedClock()).ask(a_question(), same, about=ID)
    assert model.asked == []


async def test_no_tokens_a_day_means_off() -> None:
    """Zero is a setting too."""
    model = ScriptedModel("yes")
    advisor = Advisor(model, MemoryStore(), StoppedClock(), 0)
    with pytest.raises(ModelUnavailable):
        await advisor.ask(a_question(), same, about=ID)


async def test_memory_is_bounded() -> None:
    """Answers and counters of many tickets do not grow for ever."""
    store, clock, model = MemoryStore(), StoppedClock(), ScriptedModel("yes", tokens=1)
    advisor = model.advisor(store, clock, tokens=10**9)
    for number in range(1_100):
        await advisor.ask(a_question(user=str(number)), same, about=f"T{number}")

    assert len((await used(store)).calls) == 1_000
    assert len(store._settings) <= 257
