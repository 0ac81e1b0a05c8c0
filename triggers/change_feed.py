"""Cosmos DB tells what was committed: errands are begun without waiting for a timer.

Registered only where ``MEND_STORE`` is ``cosmos``. The feed tells of a change at least once and
of each document's latest version only; what it does not bring, ``sweep_outbox`` finds.
"""

import os
from collections.abc import Mapping

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.stores.cosmos import CosmosStore
from shared.stores.cosmos.schema import LEASES, TICKETS
from triggers.starter import run_errands

CONNECTION = "COSMOS"
"""The host's own connection: the settings ``COSMOS__accountEndpoint``, ``COSMOS__credential``."""


async def follow_tickets(
    documents: func.DocumentList, client: df.DurableOrchestrationClient
) -> None:
    """Do the errands among what has changed, and bring the audit trail up to date."""
    kinds = {(str(one["kind"]), str(one["pk"])) for one in documents}
    waiting = sorted(ticket_id for kind, ticket_id in kinds if kind == "errand")
    if waiting:
        await run_errands(client, of=waiting)
    store = services().store
    if isinstance(store, CosmosStore) and any(kind == "note" for kind, _ in kinds):
        await store.catch_up()


def blueprint(environment: Mapping[str, str]) -> df.Blueprint:
    """Return the trigger, or nothing where there is no feed to follow."""
    found = df.Blueprint()
    if environment.get("MEND_STORE", "").strip() == "cosmos":
        follow = found.durable_client_input(client_name="client")(follow_tickets)
        found.cosmos_db_trigger(
            arg_name="documents",
            connection=CONNECTION,
            database_name=environment.get("COSMOS_DATABASE") or "mend",
            container_name=TICKETS,
            lease_container_name=LEASES,
            create_lease_container_if_not_exists=False,
            max_items_per_invocation=100,
            feed_poll_delay=1000,  # milliseconds
        )(follow)
    return found


bp = blueprint(os.environ)
