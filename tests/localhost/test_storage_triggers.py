"""Queue and blob triggers against Azurite, the storage emulator."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from localhost.blobs import path_pattern
from localhost.host import Host
from localhost.loader import describe
from localhost.settings import BadSettings, read_host_settings
from localhost.storage import connection_string
from tests.support.azurite import Azurite

PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """One storage account for all tests; each uses names of its own."""
    with Azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def account(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> str:
    """The account as the trigger setting ``Storage``."""
    monkeypatch.setenv("Storage", azurite.connection_string)
    return azurite.connection_string


class Bench:
    """A queue function and what it was called with."""

    def __init__(self, account: str, app_dir: Path, *, encode: bool = True) -> None:
        self.name = f"q{uuid.uuid4().hex[:12]}"
        self.account = account
        self.app_dir = app_dir
        self.encode = encode
        self.seen: list[func.QueueMessage] = []
        self.during: Callable[[func.QueueMessage], None] = lambda _message: None
        self.app = func.FunctionApp()

        @self.app.queue_trigger(arg_name="message", queue_name=self.name, connection="Storage")
        async def work(message: func.QueueMessage) -> None:
            self.seen.append(message)
            self.during(message)

        self.queue = QueueClient.from_connection_string(account, self.name)
        self.poison = QueueClient.from_connection_string(account, f"{self.name}-poison")

    def host(self, data: Path) -> Host:
        """Return a host of this function."""
        return Host(app_dir=self.app_dir, data_dir=data, app=self.app)

    def send(self, text: str) -> None:
        """Put a message into the queue."""
        with contextlib.suppress(ResourceExistsError):
            self.queue.create_queue()
        body = base64.b64encode(text.encode()).decode() if self.encode else text
        self.queue.send_message(body)

    def texts(self) -> list[str]:
        """Return what was received."""
        return [message.get_body().decode() for message in self.seen]

    def left(self) -> int:
        """Return how many messages the queue has, hidden ones included."""
        return int(self.queue.get_queue_properties().approximate_message_count or 0)


@pytest.fixture
def bench(account: str, tmp_path: Path) -> Bench:
    """A queue function; its app folder has a ``host.json`` that polls quickly."""
    write_host_json(tmp_path, {"maxPollingInterval": "00:00:00.2"})
    return Bench(account, tmp_path)


def write_host_json(folder: Path, queues: dict[str, Any]) -> None:
    """Write a ``host.json`` with queue options."""
    text = json.dumps({"version": "2.0", "extensions": {"queues": queues}})
    (folder / "host.json").write_text(text)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  nobody signals it
            await asyncio.sleep(0.02)


async def test_each_message_is_worked_on_and_deleted(bench: Bench, tmp_path: Path) -> None:
    """Before the host started and while it runs."""
    bench.send("before")
    async with bench.host(tmp_path / "data"):
        await until(lambda: len(bench.seen) == 1)
        for n in range(20):
            bench.send(f"m{n}")
        await until(lambda: len(bench.seen) == 21)
        await until(lambda: bench.left() == 0)

    assert sorted(bench.texts()) == sorted(["before", *(f"m{n}" for n in range(20))])


async def test_the_function_sees_what_the_queue_knows(bench: Bench, tmp_path: Path) -> None:
    """Id, count and times, and the body as JSON."""
    bench.send('{"a": 1}')
    async with bench.host(tmp_path / "data"):
        await until(lambda: len(bench.seen) == 1)

    (message,) = bench.seen
    assert message.get_json() == {"a": 1}
    assert message.dequeue_count == 1
    assert message.id
    assert message.insertion_time is not None


async def test_a_failed_message_comes_back_and_is_put_aside_in_the_end(
    bench: Bench, tmp_path: Path
) -> None:
    """Five tries, then the poison queue; the others are not held up."""
    bench.send("bad")
    bench.send("good")

    def fail(message: func.QueueMessage) -> None:
        if message.get_body() == b"bad":
            raise ValueError("no")

    bench.during = fail
    async with bench.host(tmp_path / "data"):
        await until(lambda: bench.texts().count("bad") == 5)
        await until(lambda: bench.left() == 0)

    assert [m.dequeue_count for m in bench.seen if m.get_body() == b"bad"] == [1, 2, 3, 4, 5]
    assert bench.texts().count("good") == 1
    (poisoned,) = bench.poison.receive_messages()
    assert base64.b64decode(poisoned.content) == b"bad"


async def test_messages_that_are_not_encoded(account: str, tmp_path: Path) -> None:
    """``messageEncoding`` none, as the settings say."""
    write_host_json(tmp_path, {"messageEncoding": "none", "maxPollingInterval": 200})
    bench = Bench(account, tmp_path, encode=False)
    bench.send("plain ü")
    async with bench.host(tmp_path / "data"):
        await until(lambda: len(bench.seen) == 1)

    assert bench.texts() == ["plain ü"]


async def test_what_is_no_base64_is_put_aside_at_once(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trying again would not help; the function is never called with garbage."""
    bench.encode = False
    bench.send("not base64!")
    async with bench.host(tmp_path / "data"):
        await until(lambda: bench.left() == 0)

    assert bench.seen == []
    assert caplog.text.count("failed on message") == 1
    (poisoned,) = bench.poison.receive_messages()
    assert poisoned.content == "not base64!"


async def test_a_stop_waits_for_the_message_under_way(bench: Bench, tmp_path: Path) -> None:
    """It is finished and deleted, and no further one is begun."""
    begun, ended = asyncio.Event(), []
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name=bench.name, connection="Storage")
    async def slow(message: func.QueueMessage) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        ended.append(message.id)

    bench.send("one")
    async with Host(app_dir=tmp_path, data_dir=tmp_path / "data", app=app):
        await begun.wait()

    assert len(ended) == 1
    assert bench.left() == 0


async def test_storage_may_come_late_and_go_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The host runs on, says so once, and works again by itself."""
    own = Azurite(tmp_path / "azurite")
    monkeypatch.setenv("Storage", own.connection_string)
    monkeypatch.setattr("localhost.storage._LONGEST_PAUSE_SECONDS", 0.2)
    write_host_json(tmp_path, {"maxPollingInterval": 200})
    bench = Bench(own.connection_string, tmp_path)
    try:
        async with bench.host(tmp_path / "data"):
            await until(lambda: "does not answer" in caplog.text)
            await asyncio.to_thread(own.start)
            await asyncio.to_thread(bench.send, "first")
            await until(lambda: len(bench.seen) == 1)
            own.stop()
            await until(lambda: caplog.text.count("does not answer") == 2)
            await asyncio.to_thread(own.start)
            await asyncio.to_thread(bench.send, "second")
            await until(lambda: "second" in bench.texts())
    finally:
        own.stop()

    assert caplog.text.count("does not answer") == 2


KILLED = """
import os, pathlib, time
import azure.functions as func

app = func.FunctionApp()
NOTES = pathlib.Path(os.environ["NOTES"])

@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="Storage")
def work(message: func.QueueMessage):
    with NOTES.open("a") as file:
        file.write(message.get_body().decode() + "\\n")
    if message.dequeue_count == 1:
        time.sleep(60)
"""


def test_a_killed_host_loses_no_message(account: str, tmp_path: Path) -> None:
    """What was under way shows up again and is worked on by the next host."""
    bench = Bench(account, tmp_path)
    bench.send("precious")
    (tmp_path / "function_app.py").write_text(textwrap.dedent(KILLED))
    notes = tmp_path / "notes"
    environment = {**os.environ, "NOTES": str(notes), "QUEUE": bench.name, "Storage": account}
    code = (
        "import sys; from localhost import queues; queues._HIDDEN_SECONDS = 3;"
        "from localhost.__main__ import main; sys.exit(main())"
    )

    def start() -> "subprocess.Popen[bytes]":
        arguments = ["--app", tmp_path, "--data", tmp_path / "data", "--port", "0"]
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=environment,
            stdout=subprocess.DEVNULL,
        )

    def worked(times: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (notes.exists() and len(notes.read_text().split()) >= times):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    first = start()
    worked(1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start()
    try:
        worked(2)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while bench.left():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        second.terminate()
        second.wait(15)

    assert notes.read_text().split() == ["precious", "precious"]


# -- blobs -----------------------------------------------------------------------------


class BlobBench:
    """A blob function and what it was called with."""

    def __init__(self, account: str, pattern: str = "{name}.csv") -> None:
        self.container = f"c{uuid.uuid4().hex[:12]}"
        self.service = BlobServiceClient.from_connection_string(account)
        self.seen: list[tuple[str, bytes]] = []
        self.streams: list[func.InputStream] = []
        self.fails = False
        self.app = func.FunctionApp()
        path = f"{self.container}/{pattern}"

        @self.app.blob_trigger(arg_name="blob", path=path, connection="Storage")
        def work(blob: func.InputStream) -> None:
            self.streams.append(blob)
            self.seen.append((str(blob.name).partition("/")[2], blob.read()))
            if self.fails:
                raise ValueError("no")

    def put(self, name: str, data: bytes) -> None:
        """Write a blob."""
        with contextlib.suppress(ResourceExistsError):
            self.service.create_container(self.container)
        self.service.get_blob_client(self.container, name).upload_blob(data, overwrite=True)

    def host(self, folder: Path) -> Host:
        """Return a host of this function."""
        return Host(app_dir=folder, data_dir=folder / "data", app=self.app)


async def test_each_version_of_a_blob_is_worked_on_once(account: str, tmp_path: Path) -> None:
    """Also over a restart; what does not fit the pattern is left alone."""
    bench = BlobBench(account)
    bench.put("a.csv", b"1")
    bench.put("other.txt", b"x")
    async with bench.host(tmp_path):
        await until(lambda: len(bench.seen) == 1)
        bench.put("a.csv", b"2")
        bench.put("sub/b.csv", b"3")
        await until(lambda: len(bench.seen) == 3)
    async with bench.host(tmp_path):
        bench.put("c.csv", b"4")
        await until(lambda: len(bench.seen) >= 4)
        await asyncio.sleep(0.5)

    assert sorted(bench.seen) == [
        ("a.csv", b"1"),
        ("a.csv", b"2"),
        ("c.csv", b"4"),
        ("sub/b.csv", b"3"),
    ]


async def test_the_function_sees_name_address_and_length(account: str, tmp_path: Path) -> None:
    """As the real host gives them."""
    bench = BlobBench(account)
    bench.put("a.csv", b"12345")
    async with bench.host(tmp_path):
        await until(lambda: len(bench.seen) == 1)

    (stream,) = bench.streams
    assert (stream.name, stream.length) == (f"{bench.container}/a.csv", 5)
    assert str(stream.uri).endswith(f"/{bench.container}/a.csv")


async def test_a_blob_that_fails_is_told_of_in_the_end(account: str, tmp_path: Path) -> None:
    """Five tries, then a message that names it, and no sixth."""
    bench = BlobBench(account)
    bench.fails = True
    bench.put("bad.csv", b"1")
    poison = QueueClient.from_connection_string(account, "webjobs-blobtrigger-poison")

    def told() -> list[dict[str, Any]]:
        try:
            found = poison.peek_messages(32)
        except ResourceNotFoundError:  # the queue is not there yet
            return []
        bodies = [json.loads(message.content) for message in found]
        return [body for body in bodies if body["ContainerName"] == bench.container]

    async with bench.host(tmp_path):
        await until(lambda: bool(told()))
        await asyncio.sleep(0.5)

    assert len(bench.seen) == 5
    assert told()[0]["BlobName"] == "bad.csv"


async def test_a_container_may_come_late(account: str, tmp_path: Path) -> None:
    """It is looked for, without a complaint."""
    bench = BlobBench(account)
    async with bench.host(tmp_path):
        await asyncio.sleep(0.3)
        bench.put("a.csv", b"1")
        await until(lambda: len(bench.seen) == 1)


# -- settings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name", "fits"),
    [
        ("in/{name}.csv", "a.csv", True),
        ("in/{name}.csv", "x/y.csv", True),
        ("in/{name}.csv", "a.csv.gz", False),
        ("in/{name}.csv", ".csv", False),
        ("in/{day}/{name}", "2026/a", True),
        ("in/a.b", "aXb", False),
        ("in", "anything", True),
    ],
)
def test_path_patterns(path: str, name: str, fits: bool) -> None:
    """A parameter stands for at least one character; everything else for itself."""
    container, pattern = path_pattern(path)

    assert container == "in"
    assert (pattern.fullmatch(name) is not None) is fits


@pytest.mark.parametrize("path", ["", "{container}/x", "/"])
def test_paths_without_a_container_are_refused(path: str) -> None:
    """Nobody would know where to look."""
    with pytest.raises(BadSettings, match="container"):
        path_pattern(path)


def test_connections() -> None:
    """A string, Azurite's short form, the prefix of Functions; or a sentence."""
    assert connection_string("S", {"S": "X=1"}) == "X=1"
    assert connection_string("S", {"AzureWebJobsS": "X=2"}) == "X=2"
    assert "127.0.0.1:10001" in connection_string("S", {"S": "UseDevelopmentStorage=true"})
    with pytest.raises(BadSettings, match="needs the setting S"):
        connection_string("S", {})
    with pytest.raises(BadSettings, match="identity-based"):
        connection_string("S", {"S__queueServiceUri": "https://x.queue.core.windows.net"})


def test_names_are_settings_where_the_app_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """``%NAME%`` in queue names and paths."""
    monkeypatch.setenv("Storage", "UseDevelopmentStorage=true")
    monkeypatch.setenv("WHERE", "orders")
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="m", queue_name="%WHERE%", connection="Storage")
    def q(m: func.QueueMessage) -> None:
        """Do nothing."""

    @app.blob_trigger(arg_name="b", path="%WHERE%/{name}", connection="Storage")
    def b(b: func.InputStream) -> None:
        """Do nothing."""

    described = describe(app)

    assert described.queues[0].queue == "orders"
    assert described.blobs[0].path == "orders/{name}"


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"queues": {"batchSize": 33}}, "batchSize"),
        ({"queues": {"batchSize": 0}}, "batchSize"),
        ({"queues": {"newBatchThreshold": -1}}, "newBatchThreshold"),
        ({"queues": {"messageEncoding": "rot13"}}, "messageEncoding"),
        ({"queues": {"visibilityTimeout": "soon"}}, "visibilityTimeout"),
        ({"blobs": {"poisonBlobThreshold": "many"}}, "poisonBlobThreshold"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, section: dict[str, Any], says: str) -> None:
    """The start stops with the option's name."""
    (tmp_path / "host.json").write_text(json.dumps({"extensions": section}))

    with pytest.raises(BadSettings, match=says):
        read_host_settings(tmp_path)
