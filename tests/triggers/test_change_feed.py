"""The change feed's trigger: there only with Cosmos DB, and quick about errands."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import azure.durable_functions as df
import azure.functions as func
import pytest

from shared.domain.ticket import Change
from shared.ports.audit import AuditQuery
from shared.stores.cosmos import CosmosStore
from shared.stores.cosmos.schema import TICKETS
from tests.support.builders import an_opening
from tests.support.cosmos import CosmosServer, cosmos_server
from triggers import change_feed, starter

__all__ = ["cosmos_server"]

ROOT = Path(__file__).resolve().parents[2]
ID = "TIK-20261120-000001"
COSMOS = {"MEND_STORE": "cosmos", "COSMOS_DATABASE": "mend-x"}


class Client:
    """Takes note of what is started."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def start_new(self, name: str, instance_id: str, payload: object) -> str:
        """See the SDK."""
        assert (name, payload) == ("remediate", {"ticket_id": ID})
        self.started.append(instance_id)
        return instance_id


def functions(environment: dict[str, str]) -> list[Any]:
    """Return what is registered."""
    app = df.DFApp()
    app.register_functions(change_feed.blueprint(environment))
    return list(app.get_functions())


@pytest.mark.parametrize("environment", [{}, {"MEND_STORE": "sqlite"}])
def test_elsewhere_there_is_no_feed(environment: dict[str, str]) -> None:
    """A host that does not know such triggers must not meet one."""
    assert functions(environment) == []


def test_the_binding_names_what_infra_makes() -> None:
    """Containers are not made by the trigger."""
    (found,) = functions(COSMOS)
    told = found.get_trigger().get_dict_repr()

    assert told["type"] == "cosmosDBTrigger"
    assert (told["databaseName"], told["containerName"]) == ("mend-x", "tickets")
    assert (told["connection"], told["leaseContainerName"]) == ("COSMOS", "leases")
    assert told["createLeaseContainerIfNotExists"] is False
    assert {one.type for one in found.get_bindings()} == {"cosmosDBTrigger", "durableClient"}


def test_the_app_loads_with_it() -> None:
    """And still loads no heavy SDK."""
    script = (
        "import sys, function_app; names = [f.get_function_name() for f in"
        " function_app.app.get_functions()]; print('follow_tickets' in names,"
        " any(name.startswith('azure.cosmos') for name in sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=COSMOS, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert told.stdout.split() == ["True", "False"]


async def test_errands_among_the_changes_are_done(
    cosmos_server: CosmosServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; and the trail is brought up to date."""
    cosmos_server.well()
    store, client = cosmos_server.store(), Client()

    class Services:
        def __init__(self, store: CosmosStore) -> None:
            self.store = store

    for module in (change_feed, starter):
        monkeypatch.setattr(module, "services", lambda: Services(store))
    opening = an_opening(ID)
    await store.create(Change(opening.ticket, opening.events, (opening.ticket.start,)))
    changed = await store._wire.query("test", TICKETS, "SELECT * FROM c", {})
    documents = func.DocumentList(func.Document.from_dict(one) for one in changed)

    for _ in range(2):
        await change_feed.follow_tickets(documents, cast("df.DurableOrchestrationClient", client))

    assert client.started == [f"rem-{ID}-1"]
    assert await store.errands(of=[ID]) == []
    assert await store._waiting() == []
    assert len(await store.audit(AuditQuery())) == 1
    await store.close()
