"""Open dashboards hear of what has changed, and of nothing else."""

from shared.domain.ticket import Change
from shared.ports.push import Address, Poke
from shared.stores.memory import MemoryStore
from shared.usecases.tell_dashboards import Watch
from tests.support.builders import NOW, a_ticket


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.pokes: list[Poke] = []

    async def address(self, user: str) -> Address:
        """See the protocol."""
        return Address(url=f"ws://{user}", expires_in=60)

    async def tell(self, poke: Poke) -> None:
        """See the protocol."""
        self.pokes.append(poke)


async def test_only_what_has_changed_is_told() -> None:
    """Nothing at first; then each ticket and setting once, without any content."""
    store, heard, watch = MemoryStore(), Heard(), Watch()
    await store.create(Change(a_ticket("TIK-20261120-000001")))
    first = await watch.look(store, heard)
    await store.update("TIK-20261120-000001", lambda one: one.counted(NOW, duplicate_count=1))
    await store.create(Change(a_ticket("TIK-20261120-000002")))
    await store.write("kill-switch", {"on": True}, expected_version=0)
    second, third = await watch.look(store, heard), await watch.look(store, heard)

    assert (first, second, third) == (0, 3, 0)
    assert {(one.kind, one.id, one.version) for one in heard.pokes} == {
        ("ticket.updated", "TIK-20261120-000001", 2),
        ("ticket.updated", "TIK-20261120-000002", 1),
        ("settings.changed", "settings/kill-switch", 1),
    }


async def test_many_changes_are_one_poke() -> None:
    """Pages ask for everything then."""
    store, heard, watch = MemoryStore(), Heard(), Watch()
    await watch.look(store, heard)
    for number in range(40):
        await store.create(Change(a_ticket(f"TIK-20261120-{number:06}")))

    assert await watch.look(store, heard) == 1
    assert heard.pokes[0].kind == "tickets.changed"
