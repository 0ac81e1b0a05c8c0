"""Bicep's app settings, the settings class and local.settings.json.example name the same ones."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from tree_sitter import Node

from scripts.bicep import Problem, Unknown, properties, value_of, walk
from scripts.infra_rules.parameters import files_of
from scripts.infra_rules.tree import Tree
from shared.settings import Settings

_APP = "modules/app.bicep"
_EXAMPLE = "local.settings.json.example"
_NAME = re.compile(r"[A-Z][A-Z0-9_]+|COSMOS__\w+|AzureWebJobs\w+|AzureFunctionsJobHost\w+")

HOST = frozenset({
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "AZURE_CLIENT_ID",
    "AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName",
    "AzureFunctionsJobHost__extensions__durableTask__storageProvider__type",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "COSMOS__accountEndpoint",
    "COSMOS__clientId",
    "COSMOS__credential",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "PYTHON_ENABLE_OPENTELEMETRY",
})  # fmt: skip
"""Read by the Functions host, its extensions and the SDKs, not by us."""

# Not on Flex Consumption, where functionAppConfig says it (Microsoft Learn, "Deprecated settings").
_NOT_ON_FLEX = ("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_")
# Given by the host; or a key that an identity takes the place of on Azure.
LOCAL_ONLY = frozenset({
    "COSMOS_CREATE", "COSMOS_KEY", "LOCAL_DATA_DIR", "LOCAL_PUBSUB_ENDPOINT", "MEND_ADF_TOKEN",
    "WEBSITE_HOSTNAME",
})  # fmt: skip
_OF_THE_LOCAL_HOST = frozenset({"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"})
_FROM_THE_HOST = frozenset({
    "APPLICATIONINSIGHTS_CONNECTION_STRING", "LOCAL_DATA_DIR", "LOCAL_PUBSUB_ENDPOINT",
    "WEBSITE_HOSTNAME",
})  # fmt: skip


def settings_names() -> set[str]:
    """Return the names that the settings class reads."""
    return {name.upper() for name in Settings.model_fields}


def declared(tree: Tree) -> dict[str, tuple[str, Node]]:
    """Return the app settings that Bicep sets or lets people set, with file and place."""
    found = {}
    for name in ("main.bicep", _APP):
        for node in walk(tree.module(name).root):
            if node.type == "object":
                for key, (place, _) in properties(node).items():
                    if _NAME.fullmatch(key):
                        found[key] = (name, place)
    return found


def check(tree: Tree) -> Iterator[Problem]:
    """Give every name that is not in all three places, and every value that would be refused."""
    here, wanted = declared(tree), settings_names()
    for name, (file, place) in sorted(here.items()):
        if name.startswith(_NOT_ON_FLEX):
            yield tree.module(file).problem(place, f"{name} must not be set on Flex Consumption")
        elif name not in wanted and name not in HOST:
            yield tree.module(file).problem(place, f"nobody reads {name}")
    for name in sorted(wanted - set(here) - LOCAL_ONLY):
        text = f"the setting {name} is missing in the type `settings`"
        yield tree.problem(f"infra/{_APP}", text)
    yield from _example(tree, wanted)
    yield from _values(tree, set(here))


def _example(tree: Tree, wanted: set[str]) -> Iterator[Problem]:
    given = set(tree.json(_EXAMPLE)["Values"])
    for name in sorted(wanted - _FROM_THE_HOST - given):
        yield tree.problem(_EXAMPLE, f"the setting {name} is missing")
    for name in sorted(given - wanted - _OF_THE_LOCAL_HOST):
        yield tree.problem(_EXAMPLE, f"nobody reads {name}")
    yield from _refused(tree, _EXAMPLE, tree.json(_EXAMPLE)["Values"])


def _values(tree: Tree, names: set[str]) -> Iterator[Problem]:
    app = tree.module(_APP)
    for variable in ("own", "defaults"):
        if variable in app.variables:
            values = value_of(app.variables[variable], app)
            yield from _refused(tree, f"infra/{_APP}", values)
    for path in files_of(tree):
        file = str(path.relative_to(tree.root))
        values = tree.json(file)["parameters"].get("mendSettings", {}).get("value", {})
        for name in sorted(set(values) - names):
            yield tree.problem(file, f"there is no setting {name}")
        for name, value in values.items():
            if not isinstance(value, str):
                yield tree.problem(file, f"{name} must be a string: it becomes an app setting")
        yield from _refused(tree, file, values)


def _refused(tree: Tree, file: str, values: dict[str, Any]) -> Iterator[Problem]:
    """Give each value that the settings class would refuse by itself."""
    plain = {
        name.lower(): value
        for name, value in values.items()
        if name.lower() in Settings.model_fields
        and not isinstance(value, Unknown)
        and value != ""
        and not str(value).startswith("kv://")
    }
    try:
        Settings(**{**plain, "website_hostname": "127.0.0.1"})
    except ValidationError as error:
        for problem in error.errors():
            if problem["loc"]:
                yield tree.problem(file, f"{str(problem['loc'][0]).upper()}: {problem['msg']}")
