"""The containers of infra/ against those of the code."""

from collections.abc import Iterator
from typing import Any

from scripts.bicep import BicepFile, Problem, Resource, loop_names, value_of
from scripts.infra_rules.tree import Tree
from shared.stores.cosmos.schema import CONTAINERS, LEASES, PARTITION_KEY

_TYPE = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers"


def expected() -> dict[str, dict[str, Any]]:
    """Return what the code expects per container."""
    found: dict[str, dict[str, Any]] = {
        one.name: {
            "paths": [PARTITION_KEY],
            "expires": one.expires,
            "indexing": dict(one.indexing_policy),
        }
        for one in CONTAINERS
    }
    found[LEASES] = {"paths": ["/id"], "expires": False, "indexing": None}
    return found


def check(tree: Tree) -> Iterator[Problem]:
    """Give every difference in names, partition keys, expiry and indexes."""
    found = tree.module("modules/cosmos.bicep")
    declared = {
        one["resource"]["id"]: _shape(one["resource"])
        for resource in found.resources
        if resource.type == _TYPE
        for one in _instances(found, resource)
    }
    yield from _consistency(found)
    wanted = expected()
    for name in sorted({*declared, *wanted}):
        if name not in declared:
            yield Problem(found.path, 0, f"the code needs the container {name}")
        elif name not in wanted:
            yield Problem(found.path, 0, f"no code uses the container {name}")
        else:
            for part, value in wanted[name].items():
                if declared[name][part] != value:
                    text = f"container {name}: {part} is {declared[name][part]}, not {value}"
                    yield Problem(found.path, 0, text)


def _consistency(found: BicepFile) -> Iterator[Problem]:
    """The store takes what it has just written for what everybody reads."""
    for resource in found.resources:
        if resource.type == "Microsoft.DocumentDB/databaseAccounts":
            policy = value_of(resource.body, found)["properties"].get("consistencyPolicy", {})
            if policy.get("defaultConsistencyLevel") != "Strong":
                yield Problem(found.path, resource.line, "the consistency must be Strong")


def _instances(found: BicepFile, resource: Resource) -> Iterator[dict[str, Any]]:
    if resource.loop is None:
        yield value_of(resource.body, found)["properties"]
        return
    (name,) = loop_names(resource.loop)
    for item in value_of(resource.loop.named_children[1], found):
        yield value_of(resource.body, found, {name: item})["properties"]


def _shape(resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "paths": resource["partitionKey"]["paths"],
        "expires": resource.get("defaultTtl") == -1,
        "indexing": resource.get("indexingPolicy"),
    }
