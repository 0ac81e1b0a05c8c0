"""Imports ``function_app`` once and lists its functions.

As on Azure: exactly one ``FunctionRegister`` (``DFApp``, ``FunctionApp``) at the top
level of the module, and ``get_functions()`` is called once, because a second call
fails in azure-functions 1.26.
"""

import importlib
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import azure.functions as func

from localhost.blobs import path_pattern
from localhost.functions import (
    App,
    BlobFunction,
    Function,
    HttpFunction,
    QueueFunction,
    TimerFunction,
)
from localhost.settings import expand
from localhost.storage import connection_string

MODULE = "function_app"

_ALL_CLIENTS = ("durableClient", "orchestrationClient")

# get_functions() cannot be called twice, so its result stays with the app object.
_listed: "WeakKeyDictionary[func.FunctionRegister, list[Any]]" = WeakKeyDictionary()


class BadApp(Exception):
    """The app can be imported but not run; the message says what to change."""


class ImportFailed(Exception):
    """Importing the app raised; ``__cause__`` is what it raised."""


def load(folder: Path) -> App:
    """Import the app in ``folder`` and return its functions.

    Raises:
        BadApp: there is no ``function_app.py``, or it has not exactly one app object.
        ImportFailed: importing it raised.
    """
    return describe(_import(folder.resolve()), folder.resolve())


def describe(app: func.FunctionRegister, folder: Path | None = None) -> App:
    """Return the functions of ``app``, checked and with ``%NAME%`` filled in.

    Raises:
        BadApp: two functions have one name, or a binding cannot be used.
    """
    if app not in _listed:
        try:
            _listed[app] = app.get_functions()
        except ValueError as error:
            raise BadApp(f"{MODULE}.py: {error}") from error
    result = App()
    for built in _listed[app]:
        _add(result, built, folder or Path.cwd())
    return result


def _import(folder: Path) -> func.FunctionRegister:
    path = folder / f"{MODULE}.py"
    if not path.is_file():
        raise BadApp(f"there is no {MODULE}.py in {folder}")
    loaded = sys.modules.get(MODULE)
    if loaded is not None and loaded.__file__ != str(path):
        del sys.modules[MODULE]
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(MODULE)
    except SystemExit as error:
        raise BadApp(f"{path} ended the process when imported: sys.exit({error.code!r})") from error
    except Exception as error:
        raise ImportFailed(f"{path} cannot be imported: {error!r}") from error
    apps = _apps(module)
    if len(apps) != 1:
        raise BadApp(
            f"{path} must have exactly one app object (DFApp or FunctionApp) at its top level; "
            f"it has {len(apps)}"
        )
    return apps[0]


def _apps(module: ModuleType) -> list[func.FunctionRegister]:
    found = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, func.FunctionRegister)
    }
    return list(found.values())


def _add(app: App, built: Any, folder: Path) -> None:
    trigger = built.get_trigger()
    name = str(built.get_function_name())
    reason = _not_run(built, trigger, name)
    if reason is not None:
        app.skipped.append((name, reason))
        return
    function = _function(built, trigger, name, folder)
    if trigger.type == "httpTrigger":
        app.http.append(_http(function, trigger))
    elif trigger.type == "timerTrigger":
        app.timers.append(_timer(function, trigger))
    elif trigger.type == "queueTrigger":
        app.queues.append(_queue(function, trigger))
    elif trigger.type == "blobTrigger":
        app.blobs.append(_blob(function, trigger))
    elif trigger.type == "orchestrationTrigger":
        _put(app.orchestrators, function, trigger.orchestration)
    elif trigger.type == "warmupTrigger":
        app.warm_ups.append(function)
    elif trigger.type == "activityTrigger":
        _put(app.activities, function, trigger.activity)
    else:
        _put(app.entities, function, trigger.entity_name)


_RUN = (
    "httpTrigger",
    "timerTrigger",
    "queueTrigger",
    "blobTrigger",
    "warmupTrigger",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
)


def _not_run(built: Any, trigger: Any, name: str) -> str | None:
    """Return why this host leaves the function out, or None."""
    if os.environ.get(f"AzureWebJobs.{name}.Disabled", "").lower() in ("1", "true"):
        return "disabled by setting"
    if trigger.type not in _RUN:
        return f"this host has no {trigger.type}"
    for binding in built.get_bindings():
        known = binding is trigger or binding.type in _ALL_CLIENTS
        if not known and not (binding.type == "http" and binding.name == "$return"):
            return f"this host has no {binding.type} binding ('{binding.name}')"
    return None


def _function(built: Any, trigger: Any, name: str, folder: Path) -> Function:
    call = built.get_user_function()
    bound = {binding.name for binding in built.get_bindings()}
    clients = tuple(b.name for b in built.get_bindings() if b.type in _ALL_CLIENTS)
    if clients and not inspect.iscoroutinefunction(_innermost(call)):
        raise BadApp(
            f"function {name!r} has a durable client and must be `async def`: the SDK awaits it"
        )
    parameters = inspect.signature(call).parameters
    return Function(
        name=name,
        call=call,
        parameter=trigger.name,
        clients=clients,
        wants_context="context" in parameters and "context" not in bound,
        folder=folder,
    )


def _innermost(call: Any) -> Any:
    return getattr(call, "client_function", call)


def _http(function: Function, trigger: Any) -> HttpFunction:
    methods = frozenset(str(getattr(m, "value", m)).upper() for m in trigger.methods or ())
    level = trigger.auth_level
    return HttpFunction(
        function=function,
        route=expand(str(trigger.route or function.name)),
        methods=methods,
        auth_level=str(getattr(level, "value", level) or "function").lower(),
    )


def _timer(function: Function, trigger: Any) -> TimerFunction:
    return TimerFunction(
        function=function,
        schedule=expand(str(trigger.schedule)),
        run_on_startup=bool(trigger.run_on_startup),
        use_monitor=trigger.use_monitor is not False,
    )


def _queue(function: Function, trigger: Any) -> QueueFunction:
    return QueueFunction(
        function=function,
        queue=expand(str(trigger.queue_name)),
        connection_string=connection_string(str(trigger.connection)),
    )


def _blob(function: Function, trigger: Any) -> BlobFunction:
    path = expand(str(trigger.path))
    path_pattern(path)
    return BlobFunction(function, path, connection_string(str(trigger.connection)))


def _put(functions: dict[str, Function], function: Function, other: str | None) -> None:
    key = (other or function.name).lower()
    if key in functions:
        raise BadApp(f"two durable functions are named {other or function.name!r}")
    functions[key] = function
