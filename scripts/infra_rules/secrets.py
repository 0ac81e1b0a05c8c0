"""No key leaves a template: outputs are kept in the deployment's history, for every reader."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from scripts.bicep import BicepFile, Problem, text_of, walk
from scripts.infra_rules.tree import Tree

# Calls and properties that return something secret.
_CALLS = re.compile(r"\blist[A-Z]\w*\(|\bgetSecret\(")
_PROPERTIES = re.compile(
    r"\.(?:primaryKey|secondaryKey|key[12]|accountKey|password|primaryConnectionString|apiKey)\b"
)
# With DisableLocalAuth nobody can send anything with it alone.
_HARMLESS = {("monitoring.bicep", "connectionString")}
_SHARED_KEYS = {
    "Microsoft.Storage/storageAccounts": ("allowSharedKeyAccess", False),
    "Microsoft.DocumentDB/databaseAccounts": ("disableLocalAuth", True),
    "Microsoft.CognitiveServices/accounts": ("disableLocalAuth", True),
    "Microsoft.SignalRService/webPubSub": ("disableLocalAuth", True),
    "Microsoft.Insights/components": ("DisableLocalAuth", True),
    "Microsoft.KeyVault/vaults": ("enableRbacAuthorization", True),
}


def check(tree: Tree) -> Iterator[Problem]:
    """Give outputs that hold a secret, keys that are read, and resources that still take keys."""
    for found in tree.files.values():
        for name, value in found.outputs.items():
            yield from _output(found, name, value)
        secret = {name for name, one in found.parameters.items() if one.secure}
        for node in walk(found.root):
            if node.type == "call_expression" and _CALLS.match(text_of(node)):
                yield from _read(found, node)
        for name, one in found.parameters.items():
            if re.search(r"(?i)(secret|password|token|apikey)$", name) and name not in secret:
                yield Problem(found.path, one.line, f"{name} must be @secure()")
        yield from _keys(found)


def _output(found: BicepFile, name: str, value: Node) -> Iterator[Problem]:
    text = text_of(value)
    used = {text_of(node) for node in walk(value) if node.type == "identifier"}
    leaking = [one for one in used if one in found.parameters and found.parameters[one].secure]
    suspicious = re.search(r"(?i)(secret|key|password|token|connectionstring)$", name)
    if (found.path.name, name) in _HARMLESS:
        return
    if leaking or _CALLS.search(text) or _PROPERTIES.search(text) or suspicious:
        yield found.problem(value, f"the output {name} shows a secret")


def _read(found: BicepFile, node: Node) -> Iterator[Problem]:
    """A secret may be read only to be put into the vault."""
    above: Node | None = node
    while above is not None and above.type != "resource_declaration":
        above = above.parent
    if above is None or "Microsoft.KeyVault/vaults/secrets@" not in text_of(above):
        yield found.problem(node, "a secret is read here and does not go into the vault")


def _keys(found: BicepFile) -> Iterator[Problem]:
    for resource in found.resources:
        if resource.existing or resource.type not in _SHARED_KEYS:
            continue
        name, value = _SHARED_KEYS[resource.type]
        wanted = f"{name}: {str(value).lower()}"
        if wanted not in text_of(resource.body):
            yield Problem(found.path, resource.line, f"{resource.type} must have {wanted}")
