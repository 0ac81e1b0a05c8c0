"""host.json, the functions' bindings, the package and azure.yaml against infra/."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scripts.bicep import Problem, properties, string_of, value_of, walk
from scripts.infra_rules.app_settings import HOST, declared
from scripts.infra_rules.tree import Tree
from scripts.package import IGNORED, ignore_file

ROOT = Path(__file__).resolve().parents[2]
_APP = "modules/app.bicep"
_METRIC = re.compile(r"\bmend_[a-z_]+")
# Each may show or ask for metrics; the code decides which there are.
_METRIC_FILES = (
    "infra/modules/health.bicep",
    "infra/monitoring/grafana.json",
    "infra/monitoring/prometheus-alerts.yaml",
    "infra/monitoring/workbook.json",
)


def check(tree: Tree) -> Iterator[Problem]:
    """Give names that two of these files do not agree on."""
    yield from _host_json(tree)
    yield from _python(tree)
    yield from _azd(tree)
    yield from _metrics(tree)
    if (tree.root / IGNORED).read_text(encoding="utf-8") != ignore_file():
        yield tree.problem(IGNORED, "differs from scripts/package.py; run it with --ignore-file")


def _host_json(tree: Tree) -> Iterator[Problem]:
    host = tree.json("host.json")
    names = set(declared(tree)) | HOST
    for name in re.findall(r"%(\w+)%", (tree.root / "host.json").read_text(encoding="utf-8")):
        if name not in names:
            yield tree.problem("host.json", f"there is no app setting {name}")
    durable = host["extensions"]["durableTask"]
    hub = value_of(tree.main.variables["taskHub"], tree.main)
    if durable["hubName"] != hub:
        yield tree.problem("host.json", f"hubName is {durable['hubName']!r}, in infra/ {hub!r}")
    connection = durable.get("storageProvider", {}).get("connectionStringName")
    if connection is not None and connection not in names:
        yield tree.problem("host.json", f"there is no app setting {connection}")
    for connection in sorted(connections()):
        if not any(name == connection or name.startswith(f"{connection}__") for name in names):
            text = f"a function is bound to {connection}, and there is no such app setting"
            yield tree.problem(f"infra/{_APP}", text)


@cache
def connections() -> frozenset[str]:
    """Return the names of connections that our functions are bound to.

    A process of its own asks: an app tells its functions only once.
    """
    script = (
        "import json, function_app\n"
        "for one in function_app.app.get_functions():\n"
        "    for binding in one.get_bindings():\n"
        "        print(binding.get_dict_repr().get('connection') or '')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "MEND_STORE": "cosmos"},
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(done.stdout.split())


def _python(tree: Tree) -> Iterator[Problem]:
    project: dict[str, Any] = tomllib.loads(
        (tree.root / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    low, high = re.findall(r"3\.(\d+)", project["requires-python"])
    known = [f"3.{minor}" for minor in range(int(low), int(high))]
    allowed = tree.module(_APP).parameters["pythonVersion"].allowed
    if allowed is None or value_of(allowed, tree.module(_APP)) != known:
        yield tree.problem(f"infra/{_APP}", f"pythonVersion must allow {known}")
    default = tree.main.parameters["pythonVersion"].value
    if default is None or value_of(default, tree.main) not in known:
        yield tree.problem("infra/main.bicep", f"pythonVersion must be one of {known}")


def _azd(tree: Tree) -> Iterator[Problem]:
    plan = yaml.safe_load((tree.root / "azure.yaml").read_text(encoding="utf-8"))
    tagged = {
        string_of(part)
        for found in tree.files.values()
        for node in walk(found.root)
        if node.type == "object"
        for key, (_, value) in properties(node).items()
        if key == "azd-service-name"
        for part in walk(value)
        if part.type == "string"
    }
    for name, service in plan["services"].items():
        if name not in tagged:
            yield tree.problem("azure.yaml", f"no resource is tagged azd-service-name: {name}")
        if not (tree.root / service["project"]).is_dir():
            yield tree.problem("azure.yaml", f"there is no folder {service['project']}")


def _metrics(tree: Tree) -> Iterator[Problem]:
    from shared.usecases.take_pulse import METRICS

    for name in _METRIC_FILES:
        text = (tree.root / name).read_text(encoding="utf-8")
        for metric in sorted(set(_METRIC.findall(text)) - set(METRICS)):
            yield tree.problem(name, f"there is no metric {metric}")
