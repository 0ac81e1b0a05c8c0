"""The store on Azure: Cosmos DB for NoSQL, a partition per ticket."""

from shared.stores.cosmos.store import CosmosStore

__all__ = ["CosmosStore"]
