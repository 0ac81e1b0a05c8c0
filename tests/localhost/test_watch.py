"""``--watch``: a change of the app starts the host again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from localhost.watch import changes, stamps

ROOT = Path(__file__).resolve().parents[2]
APP = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="{name}")
def {name}(req: func.HttpRequest) -> str:
    return "{name}"
"""


def test_only_files_of_the_app_count(tmp_path: Path) -> None:
    """Data, hidden folders and other kinds of file change all the time."""
    for name in ("a.py", "b/c.json", ".venv/x.py", "data/y.py", "notes.txt", "__pycache__/z.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    found = stamps(tmp_path, tmp_path / "data")

    assert {path.name for path in found} == {"a.py", "c.json"}


def test_came_went_and_changed_are_changes(tmp_path: Path) -> None:
    """And nothing else is."""
    for name in ("same.py", "went.py", "changed.py"):
        (tmp_path / name).write_text("")
    before = stamps(tmp_path, tmp_path / "data")
    (tmp_path / "went.py").unlink()
    (tmp_path / "came.py").write_text("")
    (tmp_path / "changed.py").write_text("x")

    after = stamps(tmp_path, tmp_path / "data")

    assert changes(before, before) == []
    assert changes(before, after) == ["came.py", "changed.py", "went.py"]


def test_a_change_is_served_and_a_mistake_is_survived(tmp_path: Path) -> None:
    """A new function appears; a file that cannot be imported waits for its correction."""
    app, log = tmp_path / "app", tmp_path / "log"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(APP.format(name="first"))
    command = [sys.executable, "-m", "localhost", "--watch", "--port", "0"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--app", str(app), "--data", str(tmp_path / "data")],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        wait_for(lambda: "/api/first" in log.read_text(), log)
        (app / "function_app.py").write_text("this is no Python\n")
        wait_for(lambda: "could not be started" in log.read_text(), log)
        (app / "function_app.py").write_text(APP.format(name="second"))
        wait_for(lambda: "/api/second" in log.read_text(), log)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)

    assert code == 0
    assert len(re.findall(r"function_app\.py changed", log.read_text())) == 2


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
