"""Spans and log lines carry the ticket that they are about."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry.logs import JsonLines, WithTicket, write_json
from shared.telemetry.spans import current_ticket, ids_of, ticket_span, traced

ROOT = Path(__file__).resolve().parents[3]
TICKET = "TIK-20261120-3F9A2C"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Yield what is recorded."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


def finished(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """Return the recorded spans by name."""
    return {one.name: one for one in exporter.get_finished_spans()}


def test_every_span_of_a_ticket_is_in_one_trace(spans: InMemorySpanExporter) -> None:
    """In whichever process it is recorded: the ids are made from the ticket's."""
    with ticket_span("first", TICKET):
        pass
    with ticket_span("second", TICKET), ticket_span("inner", TICKET):
        pass
    with ticket_span("other", "TIK-2"):
        pass
    found = finished(spans)
    traces = {name: one.context.trace_id for name, one in found.items() if one.context}

    assert traces["first"] == traces["second"] == traces["inner"] == ids_of(TICKET)[0]
    assert traces["other"] != traces["first"]
    assert dict(found["first"].attributes or {}) == {"ticket_id": TICKET}


def test_a_span_is_linked_to_what_it_is_part_of(spans: InMemorySpanExporter) -> None:
    """From the ticket's trace one gets to the request, and back."""
    host = trace.get_tracer("host")
    with host.start_as_current_span("request") as request, ticket_span("work", TICKET):
        pass
    (link,) = finished(spans)["work"].links

    assert link.context.trace_id == request.get_span_context().trace_id


async def test_an_activity_is_a_span_of_the_ticket_in_its_payload(
    spans: InMemorySpanExporter,
) -> None:
    """With its name; an error is recorded and goes on."""

    @traced
    async def look(payload: dict[str, str]) -> str:
        assert payload
        return current_ticket()

    @traced
    async def stumble(payload: dict[str, str]) -> None:
        raise ValueError(payload["ticket_id"])

    assert await look({"ticket_id": TICKET}) == TICKET
    with pytest.raises(ValueError, match=TICKET):
        await stumble({"ticket_id": TICKET})

    assert current_ticket() == ""
    found = finished(spans)
    assert set(found) == {"look", "stumble"}
    assert [event.name for event in found["stumble"].events] == ["exception"]


def line(record: logging.LogRecord) -> dict[str, object]:
    """Return a record as it is written."""
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_log_line_is_one_json_object() -> None:
    """With the ticket that is worked on, what the caller added, and the error."""
    error = ValueError("first\nsecond")
    info = (ValueError, error, None)
    record = logging.LogRecord("triggers", logging.WARNING, __file__, 1, "a %s\nb", ("x",), info)
    record.delivery_id, record.count = Path("DLV-1"), 3
    with ticket_span("work", TICKET):
        found = line(record)

    assert (found["level"], found["logger"], found["message"]) == ("warning", "triggers", "a x\nb")
    assert (found["ticket_id"], found["delivery_id"], found["count"]) == (TICKET, "DLV-1", 3)
    assert "ValueError: first" in str(found["error"])
    assert str(found["time"]).endswith("+00:00")


def test_a_ticket_that_was_named_counts_more() -> None:
    """The sweeper works on many, and says which one a line is about."""
    record = logging.makeLogRecord({"msg": "left alone", "ticket_id": "TIK-2"})
    with ticket_span("sweep", TICKET):
        WithTicket().filter(record)
        assert line(record)["ticket_id"] == "TIK-2"


def test_exporters_get_the_ticket_too() -> None:
    """As an attribute of the record, where one is worked on."""
    record, outside = logging.makeLogRecord({}), logging.makeLogRecord({})
    assert WithTicket().filter(outside)
    with ticket_span("work", TICKET):
        WithTicket().filter(record)

    assert getattr(record, "ticket_id", "") == TICKET
    assert not hasattr(outside, "ticket_id")


def test_json_is_written_by_the_handlers_that_are_there() -> None:
    """Those of the host; none is added."""
    handler = logging.NullHandler()
    write_json([handler])
    assert isinstance(handler.formatter, JsonLines)


def test_azure_monitor_is_switched_on_by_its_connection_string(tmp_path: Path) -> None:
    """Nothing of it is loaded without; with it, spans and our loggers go there, and it works."""
    script = (
        "import logging, sys\n"
        "from pydantic import SecretStr\n"
        "from shared.telemetry.start import start\n"
        "assert not [name for name in sys.modules if name.startswith('azure.monitor')]\n"
        "key = 'InstrumentationKey=00000000-0000-4000-8000-000000000000;'\n"
        "for _ in range(2):\n"
        "    start('text', SecretStr(key + 'IngestionEndpoint=http://127.0.0.1:9/'))\n"
        "from opentelemetry import trace\n"
        "from shared.telemetry.spans import ticket_span\n"
        "with ticket_span('work', 'TIK-1'):\n"
        "    print(type(trace.get_current_span()).__name__)\n"
        "print(len(logging.getLogger('shared').handlers))\n"
        "sys.stdout.flush()\n"
        "import os; os._exit(0)\n"
    )
    environment = {**os.environ, "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["_Span", "1"], done.stderr[-2000:]
