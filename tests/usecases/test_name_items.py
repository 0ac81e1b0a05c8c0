"""Names of servers: rules first, a model where they find nothing that is known."""

import pytest

from shared.domain.errors import ModelUnavailable
from shared.intake.configuration_items import MAX_ITEMS, Inventory, InventoryItem, Item
from shared.stores.memory import MemoryStore
from shared.usecases.name_items import name_items
from shared.usecases.operator_settings import change_inventory
from tests.support.builders import StoppedClock
from tests.support.models import ScriptedModel

TEXT = "The disk of the orders database on bluebird is full"


async def names(
    model: ScriptedModel | None, text: str = TEXT, store: MemoryStore | None = None
) -> tuple[Item, ...]:
    """Return what ``text`` is about."""
    kept = store or MemoryStore()
    advisor = model.advisor(kept, StoppedClock()) if model else None
    return await name_items(kept, text=text, advisor=advisor)


async def an_inventory(*known: str) -> MemoryStore:
    """Return a store that knows these by name."""
    store = MemoryStore()
    items = tuple(InventoryItem(name=name) for name in known)
    await change_inventory(store, lambda _: Inventory(items=items))
    return store


async def test_a_model_finds_what_looks_like_no_name() -> None:
    """If it stands in the text."""
    model = ScriptedModel({"names": ["bluebird", "redbird"]})

    assert [item.name for item in await names(model)] == ["bluebird"]
    assert await names(None) == ()


async def test_what_is_known_by_name_needs_no_model() -> None:
    """The inventory is sure."""
    model = ScriptedModel({"names": ["orders database"]})

    (found,) = await names(model, store=await an_inventory("Bluebird"))

    assert (found.name, found.known) == ("Bluebird", True)
    assert model.asked == []


async def test_a_name_of_the_model_is_spelt_as_in_the_inventory() -> None:
    """And marked as known."""
    model = ScriptedModel({"names": ["orders database"]})
    store = await an_inventory("Orders Database X")

    (found,) = await names(model, store=store)

    assert (found.name, found.known) == ("orders database", False)


@pytest.mark.parametrize("answer", ["", "{}", {"names": "bluebird"}, {"names": [5]}])
async def test_a_bad_answer_adds_nothing(answer: object) -> None:
    """Rules remain."""
    assert await names(ScriptedModel(answer)) == ()


async def test_a_model_that_is_away_adds_nothing() -> None:
    """Nobody waits for it in vain."""
    model = ScriptedModel({})
    model.problem = ModelUnavailable("down")

    assert await names(model, "host sql-01 is down") == await names(None, "host sql-01 is down")


async def test_the_list_is_bounded() -> None:
    """However many names a text has."""
    many = [f"bird{chr(97 + n)}" for n in range(26)]

    assert len(await names(ScriptedModel({"names": many}), " ".join(many))) <= MAX_ITEMS
