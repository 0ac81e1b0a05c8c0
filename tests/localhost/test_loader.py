"""Loading an app: once, as on Azure, and with clear words when it cannot be run."""

import sys
from collections.abc import Iterator
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
import pytest

from localhost import loader
from localhost.loader import BadApp
from localhost.settings import BadSettings

GOOD = """
import azure.functions as func
import azure.durable_functions as df

app = df.DFApp(http_auth_level=func.AuthLevel.ADMIN)
bp = df.Blueprint()

@app.route(route="a/{id}", methods=["GET", "post"])
def a(req: func.HttpRequest) -> str:
    return "a"

@app.route(auth_level=func.AuthLevel.ANONYMOUS)
@app.durable_client_input(client_name="client")
async def b(req: func.HttpRequest, client, context: func.Context) -> str:
    return "b"

@bp.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=True)
def t(timer: func.TimerRequest) -> None:
    pass

@bp.orchestration_trigger(context_name="context", orchestration="Other")
def o(context):
    return 1

@bp.activity_trigger(input_name="x")
def act(x: dict) -> dict:
    return x

@bp.entity_trigger(context_name="context")
def Counter(context):
    pass

@bp.queue_trigger(arg_name="msg", queue_name="q", connection="c")
def q(msg: func.QueueMessage) -> None:
    pass

@bp.blob_trigger(arg_name="blob", path="drop/{name}", connection="c")
def d(blob: func.InputStream) -> None:
    pass

@bp.event_hub_message_trigger(arg_name="event", event_hub_name="h", connection="c")
def e(event: func.EventHubEvent) -> None:
    pass

app.register_functions(bp)
"""


@pytest.fixture(autouse=True)
def clean_import_system() -> Iterator[None]:
    """Imported apps leave nothing behind."""
    path, module = sys.path[:], sys.modules.pop("function_app", None)
    yield
    sys.path[:] = path
    sys.modules.pop("function_app", None)
    if module is not None:
        sys.modules["function_app"] = module


def written(folder: Path, text: str) -> Path:
    """Return a folder with this app in it."""
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(text)
    return folder


def test_every_kind_of_function_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes, schedules, durable names, blueprints; what this host has not is named."""
    monkeypatch.setenv("SCHEDULE", "0 */5 * * * *")
    monkeypatch.setenv("c", "UseDevelopmentStorage=true")
    app = loader.load(written(tmp_path / "app", GOOD))

    a, b = app.http
    assert (a.route, sorted(a.methods), a.auth_level) == ("a/{id}", ["GET", "POST"], "admin")
    assert (b.route, b.methods, b.auth_level) == ("b", frozenset(), "anonymous")
    assert (b.function.clients, b.function.wants_context) == (("client",), True)
    assert (b.function.is_async, a.function.is_async) == (True, False)
    assert [(t.schedule, t.run_on_startup) for t in app.timers] == [("0 */5 * * * *", True)]
    assert set(app.orchestrators) == {"other"}
    assert set(app.activities) == {"act"}
    assert set(app.entities) == {"counter"}
    assert [queue.queue for queue in app.queues] == ["q"]
    assert [blob.function.name for blob in app.blobs] == ["d"]
    assert app.skipped == [("e", "this host has no eventHubTrigger")]


def test_a_queue_without_its_connection_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything runs, with the name of the setting."""
    monkeypatch.setenv("SCHEDULE", "0 */5 * * * *")
    monkeypatch.delenv("c", raising=False)

    with pytest.raises(BadSettings, match="needs the setting c"):
        loader.load(written(tmp_path / "app", GOOD))


def test_another_folder_is_another_app(tmp_path: Path) -> None:
    """Two apps in one process are not confused."""
    first = "import azure.functions as func\napp = func.FunctionApp()\n"
    second = first + "\n@app.route()\ndef only(req):\n    return ''\n"

    assert loader.load(written(tmp_path / "one", first)).http == []
    assert [f.route for f in loader.load(written(tmp_path / "two", second)).http] == ["only"]


def test_functions_are_listed_once_per_app_object() -> None:
    """A second get_functions() fails in azure-functions 1.26."""
    app = func.FunctionApp()

    @app.route()
    def one(req: func.HttpRequest) -> str:  # noqa: ARG001
        return ""

    assert loader.describe(app).http == loader.describe(app).http


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("x = 1", "exactly one app object", id="no app"),
        pytest.param(
            "import azure.functions as f\na = f.FunctionApp()\nb = f.FunctionApp()",
            "it has 2",
            id="two apps",
        ),
        pytest.param(
            "import azure.functions as f\napp = f.FunctionApp()\n"
            "@app.route(route='x')\ndef one(req): pass\n"
            "@app.function_name('one')\n@app.route(route='y')\ndef two(req): pass\n",
            "unique",
            id="one name twice",
        ),
        pytest.param(
            "import azure.functions as f, azure.durable_functions as df\napp = df.DFApp()\n"
            "@app.route(route='x')\n@app.durable_client_input(client_name='c')\n"
            "def one(req, c): pass\n",
            "must be `async def`",
            id="client in a plain function",
        ),
    ],
)
def test_apps_that_cannot_run_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """In words that say what to change."""
    with pytest.raises(BadApp, match=words):
        loader.load(written(tmp_path / "app", text))


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    """The message names the file and the folder."""
    with pytest.raises(BadApp, match=r"there is no function_app\.py in"):
        loader.load(tmp_path)


def test_a_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    """%SCHEDULE% without SCHEDULE."""
    with pytest.raises(BadSettings, match="SCHEDULE"):
        loader.load(written(tmp_path / "app", GOOD))


def test_functions_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """AzureWebJobs.<name>.Disabled, as in the cloud."""
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def act(x: dict) -> dict:
        return x

    monkeypatch.setenv("AzureWebJobs.act.Disabled", "true")

    assert loader.describe(app).skipped == [("act", "disabled by setting")]
