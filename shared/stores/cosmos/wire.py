"""Requests to Cosmos DB through its SDK: one account, one database, and what may go wrong.

Status codes and what they mean: Microsoft Learn, "HTTP status codes for Azure Cosmos DB";
the header of the charge and of the delay: "Common Azure Cosmos DB REST response headers".
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from shared.domain.errors import NotConfigured, Unavailable
from shared.stores.cosmos.charges import Charges
from shared.stores.cosmos.schema import CONTAINERS, PARTITION_KEY

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

Document = dict[str, Any]
Operation = tuple[Any, ...]
"""One part of a batch in the SDK's words: ``("create", (document,), {options})``."""

_CHARGE, _DELAY = "x-ms-request-charge", "x-ms-retry-after-ms"
_THROTTLED = 429
# Timeout, a partition on the move, a write that met another one, an overloaded replica.
_PASSING = frozenset({408, 410, 449, 500, 502, 503, 504})
_CONFLICTS = frozenset({404, 409, 412})
# With 404: the replica has not seen our own write yet.
_SESSION_NOT_AVAILABLE = 1002
_SHORTEST_WAIT, _LONGEST_WAIT = 0.02, 2.0

_ADVICE = {
    400: "is the database one that this release has made or infra/ describes?",
    401: "check COSMOS_KEY, or leave it empty to use this app's identity",
    403: "give this app's identity the role 'Cosmos DB Built-in Data Contributor' on the account, "
    "and its network access to it",
    413: "what was to be stored is larger than 2 MB",
    _THROTTLED: "it is throttling for longer than we can wait: raise the throughput (RU/s) of the "
    "database",
}


class Conflict(Exception):
    """Something else is there than was expected. Nothing of the request is stored.

    Args:
        status: 404 it is gone, 409 it is there already, 412 it is another version.
        index: Which operation of a batch it was; 0 outside a batch.
    """

    def __init__(self, status: int, index: int = 0) -> None:
        super().__init__(f"{status} at operation {index}")
        self.status = status
        self.index = index


class Wire:
    """The account, opened on first use.

    Args:
        endpoint: ``https://NAME.documents.azure.com``, or plain http on loopback.
        key: The account's key; ``None``: ``credential`` makes an async token credential.
        create: Make the database and its containers if they are missing.
        patience_seconds: How long one operation is tried again while the account is throttling
            or briefly away.
    """

    def __init__(
        self,
        endpoint: str,
        database: str,
        *,
        key: str | None,
        credential: Callable[[], Any] | None,
        create: bool,
        patience_seconds: float,
    ) -> None:
        self.charges = Charges()
        self.identity = ""
        self._endpoint = endpoint
        self._name = database
        self._key = key
        self._credential = credential
        self._create = create
        self._patience_seconds = patience_seconds
        self._containers: dict[str, Any] = {}
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        self._containers = {}
        await self._open.aclose()

    async def read(self, operation: str, container: str, pk: str, item: str) -> Document | None:
        """Return one document, or ``None``."""

        async def call(using: Any, **options: Any) -> Document:
            return dict(await using.read_item(item, pk, **options))

        try:
            return await self._run(operation, container, call)
        except Conflict:
            return None

    async def create(self, operation: str, container: str, document: Document) -> Document:
        """Store a new document and return it as stored.

        Raises:
            Conflict: 409: there is one already.
        """

        async def call(using: Any, **options: Any) -> Document:
            return dict(await using.create_item(document, **options))

        return await self._run(operation, container, call)

    async def replace(self, operation: str, container: str, document: Document) -> Document:
        """Store the next version of a document that was read.

        Raises:
            Conflict: 404 or 412: it is not as it was read.
        """

        async def call(using: Any, **options: Any) -> Document:
            from azure.core import MatchConditions

            stored = await using.replace_item(
                document["id"],
                document,
                etag=document["_etag"],
                match_condition=MatchConditions.IfNotModified,
                **options,
            )
            return dict(stored)

        return await self._run(operation, container, call)

    async def delete(self, operation: str, container: str, pk: str, item: str) -> None:
        """Remove a document; harmless when it is gone."""

        async def call(using: Any, **options: Any) -> None:
            await using.delete_item(item, pk, **options)

        try:
            await self._run(operation, container, call)
        except Conflict:
            return

    async def batch(
        self, operation: str, container: str, pk: str, parts: Sequence[Operation]
    ) -> list[Document]:
        """Do all of ``parts`` in one partition, or none; return what each answered.

        At most 100 of them and 2 MB together (Microsoft Learn, "Transactional batch").

        Raises:
            Conflict: with the first part that could not be done.
        """

        async def call(using: Any, **options: Any) -> list[Document]:
            # The SDK takes the conditions out of what it is given: a second try without a copy
            # would be one without them (azure-cosmos 4.17, _base._format_batch_operations).
            fresh = [(kind, given, *map(dict, conditions)) for kind, given, *conditions in parts]
            return list(await using.execute_item_batch(fresh, pk, **options))

        return await self._run(operation, container, call)

    async def query(
        self,
        operation: str,
        container: str,
        text: str,
        values: Mapping[str, object],
        *,
        pk: str | None = None,
    ) -> list[Any]:
        """Return all that is found; in the partition ``pk`` only, if given."""

        async def call(using: Any, **options: Any) -> list[Any]:
            if pk is not None:
                options["partition_key"] = pk
            parameters = [{"name": name, "value": value} for name, value in values.items()]
            return [one async for one in using.query_items(text, parameters=parameters, **options)]

        try:
            return await self._run(operation, container, call)
        except Conflict as error:
            raise self._unavailable(operation, error) from error

    async def opened(self) -> None:
        """Open the account, if it is not open yet.

        Raises:
            NotConfigured: the database or a container is missing.
            Unavailable: it does not answer.
        """
        async with self._opening:
            if not self._containers:
                self._containers = await self._run("open", "", self._connect)

    async def _connect(self, _: Any, **options: Any) -> dict[str, Any]:
        from azure.cosmos import PartitionKey, documents
        from azure.cosmos.aio import CosmosClient

        await self._open.aclose()
        loopback = urlsplit(self._endpoint).scheme == "http"
        policy = documents.ConnectionPolicy()
        policy.RetryOptions = type(policy.RetryOptions)(max_retry_attempt_count=0)
        client = CosmosClient(
            self._endpoint,
            await self._credentials(),
            # An emulator names itself by addresses that may lead nowhere.
            enable_endpoint_discovery=not loopback,
            # We ask again ourselves, see _run: the SDK's own way would hide a lost answer.
            retry_total=0,
            retry_connect=0,
            retry_read=0,
            retry_status=0,
            connection_policy=policy,
            connection_timeout=10,
            read_timeout=20,
        )
        client = await self._open.enter_async_context(client)
        database = client.get_database_client(self._name)
        if self._create:
            await _make(client.create_database_if_not_exists(self._name))
        found, identity = {}, [urlsplit(self._endpoint).netloc]
        for one in CONTAINERS:
            if self._create:
                await _make(
                    database.create_container_if_not_exists(
                        one.name,
                        PartitionKey(PARTITION_KEY),
                        indexing_policy=dict(one.indexing_policy),
                        default_ttl=-1 if one.expires else None,
                    )
                )
            container = database.get_container_client(one.name)
            definition = await self._definition(container, one.name, **options)
            identity += [str(definition.get(name)) for name in ("_rid", "_etag", "_ts")]
            found[one.name] = container
        self.identity = " ".join(identity)
        return found

    async def _definition(self, container: Any, name: str, **options: Any) -> Mapping[str, Any]:
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        try:
            return dict(await container.read(**options))
        except CosmosResourceNotFoundError as error:
            raise NotConfigured(
                f"Cosmos DB at {self._endpoint} has no container {name!r} in a database "
                f"{self._name!r}: deploy infra/, check COSMOS_DATABASE, or set COSMOS_CREATE=on"
            ) from error

    async def _credentials(self) -> Any:
        if self._key is not None:
            return self._key
        if self._credential is None:
            raise NotConfigured("COSMOS_KEY: must be set where there is no identity to use")
        return await self._open.enter_async_context(self._credential())

    async def _run(self, operation: str, container: str, call: Callable[..., Awaitable[_T]]) -> _T:
        """Do ``call``, again while that may help.

        A write whose answer got lost may be done twice: callers recognise their own
        (:mod:`shared.stores.cosmos.documents`).
        """
        from azure.core.exceptions import AzureError

        if container and not self._containers:
            await self.opened()
        until = time.monotonic() + self._patience_seconds
        tries = 0
        while True:
            try:
                using = self._containers[container] if container else None
                return await call(using, raw_response_hook=self._noting(operation))
            except (AzureError, TimeoutError) as error:
                wait = _wait(error, tries)
                if wait is None or time.monotonic() + wait > until:
                    raise self._unavailable(operation, error) from error
            tries += 1
            await asyncio.sleep(wait)

    def _noting(self, operation: str) -> Callable[[Any], None]:
        def note(response: Any) -> None:
            answer = response.http_response
            units = float(answer.headers.get(_CHARGE) or 0)
            throttled = answer.status_code == _THROTTLED
            self.charges.note(operation, units, throttled=throttled)
            if throttled:
                logger.warning("cosmos %s: throttled", operation)

        return note

    def _unavailable(self, operation: str, error: Exception) -> Unavailable:
        status = getattr(error, "status_code", None)
        said = " ".join(str(error).split())[:300]
        advice = _ADVICE.get(status or 0, "is COSMOS_ENDPOINT right, and does it answer?")
        if status is not None:
            said = f"HTTP {status}: {said}"
        return Unavailable(f"Cosmos DB at {self._endpoint}, {operation}: {advice} ({said})")


async def _make(creation: Awaitable[object]) -> None:
    """Await ``creation``; another process may have been quicker."""
    from azure.cosmos.exceptions import CosmosResourceExistsError

    with suppress(CosmosResourceExistsError):
        await creation


def _wait(error: Exception, tries: int) -> float | None:
    """Return after how many seconds it is worth asking again; ``None``: never.

    Raises:
        Conflict: the answer is one, and the caller's to deal with.
    """
    status: int | None = getattr(error, "status_code", None)
    lagging = getattr(error, "sub_status", None) == _SESSION_NOT_AVAILABLE
    if status in _CONFLICTS and not lagging:
        raise Conflict(status, getattr(error, "error_index", None) or 0) from error
    if status not in {None, _THROTTLED, *_PASSING} and not lagging:
        return None
    backoff: float = min(_LONGEST_WAIT, _SHORTEST_WAIT * 2**tries)
    headers = getattr(error, "headers", None) or {}
    if status == _THROTTLED and (given := headers.get(_DELAY)):
        return float(given) / 1000
    return backoff * random.uniform(0.5, 1)  # noqa: S311 - so that rivals do not meet again
