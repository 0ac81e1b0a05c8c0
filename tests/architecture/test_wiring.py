"""Promises about the layout itself: what a reader may rely on without looking."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
import typing
from pathlib import Path

import pytest

import function_app
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "shared", "activities", "orchestrators", "triggers", "localhost", "simulators", "mend", "tests",
)  # fmt: skip
# Each is paid for by every cold start that imports it; connectors import them on first use.
HEAVY = (
    "azure.mgmt",
    "azure.identity",
    "azure.cosmos",
    "azure.keyvault",
    "databricks",
    "openai",
    "slack_sdk",
)


def functions(trigger: str) -> dict[str, typing.Any]:
    """Return the app's functions of one kind, by name."""
    return {
        str(one.get_function_name()): one
        for one in _FUNCTIONS
        if one.get_trigger().type == trigger  # type: ignore[union-attr]
    }


_FUNCTIONS = function_app.app.get_functions()  # only the first call of a process answers


def test_every_step_has_an_activity_and_every_activity_a_step() -> None:
    """A name in orchestrators/steps.py without an activity would fail at run time only."""
    tree = ast.parse((ROOT / "orchestrators" / "steps.py").read_text())
    called = {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_call"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }

    assert called == set(functions("activityTrigger"))


def test_every_sub_orchestration_exists() -> None:
    """The same for orchestrators started by name."""
    started = {
        node.args[0].value
        for path in (ROOT / "orchestrators").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "call_sub_orchestrator"
        and isinstance(node.args[0], ast.Constant)
    }

    assert started <= set(functions("orchestrationTrigger"))
    assert started


@pytest.mark.parametrize("path", sorted((ROOT / "orchestrators").glob("*.py")), ids=str)
def test_orchestrators_are_deterministic(path: Path) -> None:
    """No clock, chance, environment or IO is even named."""
    forbidden = {
        "now", "utcnow", "today", "time", "monotonic", "random", "uuid4", "uuid1", "token_hex",
        "environ", "getenv", "open", "sleep", "create_task", "urandom",
    }  # fmt: skip
    tree = ast.parse(path.read_text())
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # `now = context.current_utc_datetime` is what the clock is replaced by.
    assigned = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }

    assert not (named - assigned) & forbidden
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def test_activities_take_a_plain_dict() -> None:
    """The Functions worker refuses ``dict[str, object]`` and then loads no function at all."""
    for name, one in functions("activityTrigger").items():
        call = inspect.unwrap(one.get_user_function())
        annotations = [p.annotation for p in inspect.signature(call).parameters.values()]
        assert annotations == [dict], name


def test_http_functions_decide_on_authorisation_themselves() -> None:
    """Levels other than anonymous would be a second, weaker scheme beside ours."""
    for name, one in functions("httpTrigger").items():
        level = one.get_trigger().auth_level
        assert str(getattr(level, "value", level)).lower() == "anonymous", name


def test_a_cold_start_loads_no_heavy_sdk() -> None:
    """Importing the app must stay cheap."""
    script = "import sys, function_app; print('\\n'.join(sys.modules))"
    loaded = run(script).splitlines()

    assert "shared.container" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def run(script: str) -> str:
    """Run ``script`` in a fresh interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_our_packages_are_ours(name: str) -> None:
    """A dependency shipping a top-level ``tests`` or ``shared`` wins over ours on some plans."""
    module = __import__(name)

    assert Path(str(module.__file__)).is_relative_to(ROOT)


def test_no_folder_is_named_like_the_standard_library() -> None:
    """A folder ``http`` or ``queue`` would break the worker, where ours comes first."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}

    assert not folders & set(sys.stdlib_module_names)


def test_every_setting_is_documented() -> None:
    """A setting nobody can read about does not exist."""
    text = (ROOT / "docs" / "operations.md").read_text()
    names = {name.upper() for name in Settings.model_fields}

    assert {name for name in names if f"`{name}`" not in text} == set()


def test_no_documented_setting_is_unread() -> None:
    """And a documented one that nobody reads is a false promise."""
    text = (ROOT / "docs" / "operations.md").read_text()
    documented = {
        cell.strip("` ")
        for line in text.splitlines()
        if line.startswith("| `")
        for cell in [line.split("|")[1]]
        if cell.strip("` ").startswith("MEND_")
    }

    assert documented <= {name.upper() for name in Settings.model_fields}


def test_every_make_target_is_documented() -> None:
    """The README or CONTRIBUTING names each command there is."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()

    assert {target for target in targets if f"make {target}" not in text} == set()


def test_host_json_is_what_the_host_expects() -> None:
    """The route prefix and the task hub are part of the contract."""
    host = json.loads((ROOT / "host.json").read_text())

    assert host["version"] == "2.0"
    assert host["extensions"]["http"]["routePrefix"] == "api"
    assert host["extensions"]["durableTask"]["hubName"] == "Mend"


def test_nothing_is_left_half_done() -> None:
    """No placeholder in anything we ship."""
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    sources = [
        path for folder in (*PACKAGES, "demo", "bench") for path in (ROOT / folder).rglob("*.py")
    ]
    placeholders = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    }

    assert placeholders == set()
    assert [path for path in sources if any(mark in path.read_text() for mark in marks)] == []


def test_every_folder_of_tests_is_run() -> None:
    """One that is not among the test paths would never fail."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]
    there = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/test_*.py")}
    deeper = {
        f"tests/{path.relative_to(ROOT / 'tests').parts[0]}"
        for path in (ROOT / "tests").rglob("test_*.py")
    }

    assert set(listed) == there | deeper


def test_make_runs_every_folder_of_tests() -> None:
    """`make test` names the folders: one that it does not name would never fail."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    makefile = (ROOT / "Makefile").read_text()
    named = {ROOT / name for name in re.findall(r"\btests/[a-z0-9_]+", makefile)}

    assert [folder for folder in folders if not named & {folder, *folder.parents}] == []
