"""Rights: only roles that were chosen, and custom ones that can change nothing but runs."""

import re
from collections.abc import Iterator

from scripts.bicep import BicepFile, Problem, string_of, value_of, walk
from scripts.infra_rules.tree import Tree

# Source: Microsoft Learn, "Azure built-in roles"; the last one is of Cosmos DB's own kind.
ALLOWED = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "webPubSubServiceOwner": "12cf5a90-567b-43ae-8102-96cf46c7d9b4",
    "openAiUser": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "durableTaskDataContributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    "dataContributor": "00000000-0000-0000-0000-000000000002",
}
# What a custom role may do besides reading.
ACTIONS = frozenset({
    "Microsoft.DataFactory/factories/pipelines/createrun/action",
    "Microsoft.DataFactory/factories/pipelineruns/cancel/action",
    "Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/action",
    "Microsoft.DataFactory/factories/querypipelineruns/action",
    "Microsoft.DataFactory/factories/triggers/start/action",
    "Microsoft.DataFactory/factories/triggers/triggerruns/rerun/action",
})  # fmt: skip
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def check(tree: Tree) -> Iterator[Problem]:
    """Give every role that is not on the list, or not under its name, and every broad action."""
    for found in tree.files.values():
        yield from _built_in(found)
        for resource in found.resources:
            if resource.type == "Microsoft.Authorization/roleDefinitions":
                body = value_of(resource.body, found)
                for permission in body["properties"]["permissions"]:
                    yield from _custom(found, resource.line, permission)


def _built_in(found: BicepFile) -> Iterator[Problem]:
    for node in walk(found.root):
        if node.type not in {"object_property", "variable_declaration"}:
            continue
        value = node.named_children[-1]
        if value.type != "string" or not _GUID.fullmatch(string_of(value)):
            continue
        name = (node.named_children[0].text or b"").decode()
        if ALLOWED.get(name) != string_of(value):
            yield found.problem(value, f"{string_of(value)} is not the role {name}, or not allowed")
    strings = [node for node in walk(found.root) if node.type == "string"]
    for node in strings:
        named = node.parent is not None and node.parent.type in {
            "object_property",
            "variable_declaration",
        }
        if _GUID.search(string_of(node)) and not named:
            yield found.problem(node, "give the role a name, in a variable or an object")


def _custom(found: BicepFile, line: int, permission: dict[str, object]) -> Iterator[Problem]:
    for kind in ("actions", "dataActions"):
        actions = permission.get(kind, [])
        if not isinstance(actions, list):
            yield Problem(found.path, line, f"{kind} must be written out")
            continue
        for action in actions:
            if "*" in action or (not action.endswith("/read") and action not in ACTIONS):
                yield Problem(found.path, line, f"the action {action} is too much for Mend")
