"""Write infra/schemas.json: which properties the resource types in infra/ have.

The check in scripts/check_infra.py reads that file only, so it needs no network. This program
renews it, after a type or an API version was added:

    npm install --prefix DIR @azure/mcp
    .venv/bin/python -m scripts.refresh_schemas DIR/node_modules/@azure/mcp-*/dist/azmcp

``azmcp bicepschema get`` prints the types that the Bicep compiler itself uses, of the newest
API version it knows. Types that it cannot print are kept as they are: they were written down
from https://github.com/Azure/bicep-types-az and say so.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.bicep import parse_folder

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "infra" / "schemas.json"
_TIMEOUT_SECONDS = 120
# Sent nowhere, and works without ICU.
_ENVIRONMENT = {
    "AZURE_MCP_COLLECT_TELEMETRY": "false",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
}

Types = dict[str, dict[str, str]]
"""Per object type its properties: ``"string"``, another object type, ``"X[]"``, ``"a | b"``.

``!`` at the end: it must be there. The property ``*`` stands for every other name.
"""


def asked(program: str, resource_type: str) -> dict[str, Any] | None:
    """Return what ``azmcp`` says about a type; ``None`` if it cannot."""
    done = subprocess.run(
        [program, "bicepschema", "get", "--resource-type", resource_type],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, **_ENVIRONMENT},
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None
    return answer if answer.get("status") == 200 else None


def trimmed(answer: dict[str, Any], resource_type: str, *, whole: bool) -> dict[str, Any]:
    """Return the part that the check needs: names, types and what must be there.

    Args:
        whole: Some file makes one; otherwise the API version is enough.
    """
    entries = answer["results"]["BicepSchemaResult"]
    body = next(
        one["bodyType"]
        for one in entries
        if one["$type"] == "Resource" and one["bodyType"]["name"].lower() == resource_type.lower()
    )
    objects = {one["name"]: one for one in entries if one["$type"].endswith("Object")}
    version = next(one["type"] for one in _properties(body) if one["name"] == "apiVersion")
    types: Types = {}
    if whole:
        _collect("", body, objects, types)
    return {"apiVersion": version, "from": "@azure/mcp", "types": types}


def _collect(name: str, found: dict[str, Any], objects: dict[str, Any], types: Types) -> None:
    if name in types:
        return
    shown = types[name] = {}
    for one in _properties(found):
        flags = one.get("flags", "")
        if "ReadOnly" in flags:
            continue
        must = "Required" in flags and "elements" not in found
        shown[one["name"]] = one["type"] + ("!" if must else "")
        _follow(one["type"], objects, types)
    more = found.get("additionalPropertiesType")
    if more:
        shown["*"] = more
        _follow(more, objects, types)


def _properties(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the properties of a type, of all its variants if there are several."""
    given = [*found.get("properties", ()), *found.get("baseProperties", ())]
    for element in found.get("elements", ()):
        given += element.get("properties", ())
    return given


def _follow(kind: str, objects: dict[str, Any], types: Types) -> None:
    inner = kind.removesuffix("[]")
    if inner in objects:
        _collect(inner, objects[inner], objects, types)


def main(arguments: list[str] | None = None) -> int:
    """Renew the file and print what could not be renewed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("azmcp", help="the program, as npm installed it")
    chosen = parser.parse_args(arguments)
    known = json.loads(SCHEMAS.read_text(encoding="utf-8")) if SCHEMAS.exists() else {}
    resources = [one for file in parse_folder(ROOT / "infra") for one in file.resources]
    used = {one.type for one in resources}
    made = {one.type for one in resources if not one.existing}
    fresh = {}
    for resource_type in sorted(used):
        answer = asked(chosen.azmcp, resource_type)
        if answer is not None:
            fresh[resource_type] = trimmed(answer, resource_type, whole=resource_type in made)
        elif resource_type in known:
            fresh[resource_type] = known[resource_type]
            print(f"kept as it is: {resource_type}")
        else:
            print(f"unknown to azmcp; write it down by hand: {resource_type}")
    SCHEMAS.write_text(json.dumps(fresh, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
