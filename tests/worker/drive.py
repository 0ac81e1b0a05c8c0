"""Run in the worker's environment: load an app as Azure does, call it, print what happened as JSON.

Arguments: the folder of the app, and a JSON list of calls ``{"function", "inputs"}``. An input is
``{"type", "value"}`` in the worker's words (``http``, ``json``, ``string``).
"""

import asyncio
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any


class _BindingInfo(SimpleNamespace):
    """Directions as in the protocol; ``in`` is a word of Python's."""

    inout = 2
    out = 1
    undefined = 0


setattr(_BindingInfo, "in", 0)


class _Protos:
    """Stands in for the generated messages; what is put into them is all that counts here."""

    BindingInfo = _BindingInfo

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace


def _request(value: dict[str, Any], datum: Any) -> Any:
    def texts(pairs: dict[str, str]) -> dict[str, Any]:
        return {name: datum(text, "string") for name, text in pairs.items()}

    body = value.get("body", "").encode()
    return {
        "method": datum(value["method"], "string"),
        "url": datum(value["url"], "string"),
        "headers": texts(value.get("headers", {})),
        "query": texts(value.get("query", {})),
        "params": texts(value.get("params", {})),
        "body": datum(body, "bytes"),
    }


def _shown(found: Any) -> Any:
    if found is None:
        return None
    if found.type == "http":
        parts = found.value
        return {"status": parts["status_code"].value, "body": _text(parts["body"].value)}
    return _text(found.value)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


async def _call(asked: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    from azure_functions_runtime.bindings.datumdef import Datum
    from azure_functions_runtime.native_invocation import invocation_request_native

    inputs = []
    for name, one in asked["inputs"].items():
        value = _request(one["value"], Datum) if one["type"] == "http" else one["value"]
        inputs.append((name, Datum(value, one["type"])))
    fine, returned, _, error, _ = await invocation_request_native(
        "00000000-0000-4000-8000-000000000001", ids[asked["function"]], inputs, {}
    )
    return {"ok": fine, "returned": _shown(returned), "error": error}


async def _main(folder: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    from azure_functions_runtime.bindings.meta import load_binding_registry
    from azure_functions_runtime.handle_event import _functions
    from azure_functions_runtime.loader import index_function_app, process_indexed_function

    sys.path.insert(0, folder)
    load_binding_registry()
    try:
        indexed = index_function_app("function_app.py")
        loaded, _ = process_indexed_function(_Protos(), _functions, indexed, folder)
    except Exception as error:  # noqa: BLE001 - whatever the worker refuses is what is asked for
        return {"refused": f"{type(error).__name__}: {error}"}
    ids = {one.name: one.function_id for one in loaded}
    bindings = {one.name: [json.loads(raw) for raw in one.raw_bindings] for one in loaded}
    return {"bindings": bindings, "answers": [await _call(one, ids) for one in calls]}


if __name__ == "__main__":
    logging.disable()
    told = asyncio.run(_main(sys.argv[1], json.loads(sys.argv[2])))
    sys.stdout.write(f"{json.dumps(told)}\n")
