"""MEND_PARTS: one app with everything, or two that share the work."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import function_app

ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = (
    "import json, function_app; print(json.dumps({one.get_function_name(): "
    "one.get_trigger().type for one in function_app.app.get_functions()}))"
)


def functions(parts: str | None) -> dict[str, str]:
    """Return the app's functions and their triggers, as a process with this setting sees them."""
    kept = {name: value for name, value in os.environ.items() if name != "MEND_PARTS"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=ROOT,
        env=kept if parts is None else {**kept, "MEND_PARTS": parts},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def all_of_them() -> dict[str, str]:
    """Return what an app has that was told nothing."""
    return functions(None)


def test_two_apps_have_everything_between_them(all_of_them: dict[str, str]) -> None:
    """Nothing is in neither, and what is in both only answers."""
    pipeline, dashboard = functions("pipeline"), functions(" Dashboard ")

    shared = set(pipeline) & set(dashboard)

    assert {**pipeline, **dashboard} == all_of_them
    assert {"health", "metrics"} <= shared
    assert {all_of_them[name] for name in shared} <= {"httpTrigger", "warmupTrigger"}
    assert functions("all") == all_of_them


def test_the_dashboards_app_only_answers() -> None:
    """Without orchestrators and activities it takes no work off the task hub that both share."""
    assert set(functions("dashboard").values()) <= {"httpTrigger", "warmupTrigger"}


def test_a_mistake_is_for_the_settings_to_tell(all_of_them: dict[str, str]) -> None:
    """An exception at import would make the host drop every function without a word."""
    assert functions("both") == all_of_them


def test_every_blueprint_is_in_one_list() -> None:
    """One that is in none would be missing, one in two would stop the start."""
    lists = (*function_app.PIPELINE, *function_app.DASHBOARD, *function_app.BOTH)
    listed = [Path(str(part.__file__)) for part in lists]
    written = {
        path
        for folder in ("triggers", "orchestrators", "activities")
        for path in (ROOT / folder).glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node).startswith("bp = ")
    }

    assert set(listed) == written
    assert len(listed) == len(written)


def test_every_activity_is_recorded() -> None:
    """As a span of its ticket; one that is not would be a hole in every trace."""
    for path in (ROOT / "activities").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list:
                names = [ast.unparse(one) for one in node.decorator_list]
                assert names[-1] == "traced", f"{path.name}: {node.name}"
