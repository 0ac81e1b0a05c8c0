"""``host.json`` and ``local.settings.json``, as far as a local host needs them."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

_TIME_SPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}(?:\.\d+)?))?"
)
# As many as one request to a storage queue may return.
_MOST_MESSAGES = 32
_SETTING = re.compile(r"%([^%\s]+)%")


class BadSettings(Exception):
    """A settings file cannot be used; the message names the file and the value."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """``extensions.queues`` of ``host.json``, with the real host's defaults."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling_interval: timedelta = timedelta(minutes=1)
    visibility_timeout: timedelta = timedelta(0)
    base64: bool = True


@dataclass(frozen=True, slots=True)
class BlobOptions:
    """``extensions.blobs`` of ``host.json``, with the real host's defaults on two cores."""

    max_degree_of_parallelism: int = 16
    poison_blob_threshold: int = 5


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What ``host.json`` says, with the real host's defaults.

    Attributes:
        route_prefix: First part of every HTTP route, without slashes; may be empty.
        custom_headers: Added to every answer of an HTTP function.
        function_timeout: None means no limit.
        hub_name: Shown in the client's URLs.
        default_version: Given to orchestrations that are started without one.
        max_activities: Activities at once.
        max_orchestrators: Orchestrations taking a turn at once.
        queues: How queue triggers read.
        blobs: How blob triggers read.
    """

    route_prefix: str = "api"
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    function_timeout: timedelta | None = timedelta(minutes=30)
    hub_name: str = "LocalHub"
    default_version: str | None = None
    max_activities: int = 64
    max_orchestrators: int = 64
    queues: QueueOptions = field(default_factory=QueueOptions)
    blobs: BlobOptions = field(default_factory=BlobOptions)


def read_host_settings(folder: Path) -> HostSettings:
    """Read ``host.json`` in ``folder``; a missing file means all defaults.

    Raises:
        BadSettings: the file is no JSON object or a value cannot be used.
    """
    path = folder / "host.json"
    content = _object(path)
    http = _section(content, path, "extensions", "http")
    durable = _section(content, path, "extensions", "durableTask")
    default = HostSettings()
    headers = http.get("customHeaders", {})
    if not isinstance(headers, dict):
        raise BadSettings(f"{path}: extensions.http.customHeaders must be an object")
    prefix = http.get("routePrefix", default.route_prefix)
    if not isinstance(prefix, str):
        raise BadSettings(f"{path}: extensions.http.routePrefix must be a string")
    version = durable.get("defaultVersion")
    return HostSettings(
        route_prefix=prefix.strip("/"),
        custom_headers={str(name): str(value) for name, value in headers.items()},
        function_timeout=_timeout(content, path, default.function_timeout),
        hub_name=str(durable.get("hubName", default.hub_name)),
        default_version=None if version is None else str(version),
        max_activities=_count(
            durable, path, "maxConcurrentActivityFunctions", default.max_activities
        ),
        max_orchestrators=_count(
            durable, path, "maxConcurrentOrchestratorFunctions", default.max_orchestrators
        ),
        queues=_queue_options(_section(content, path, "extensions", "queues"), path),
        blobs=_blob_options(_section(content, path, "extensions", "blobs"), path),
    )


def _queue_options(section: dict[str, object], path: Path) -> QueueOptions:
    default = QueueOptions()
    encoding = str(section.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise BadSettings(f"{path}: extensions.queues.messageEncoding must be base64 or none")
    size = _count(section, path, "batchSize", default.batch_size)
    if size > _MOST_MESSAGES:
        raise BadSettings(f"{path}: extensions.queues.batchSize must be {_MOST_MESSAGES} at most")
    threshold = section.get("newBatchThreshold", size // 2)
    if not isinstance(threshold, int) or isinstance(threshold, bool) or threshold < 0:
        raise BadSettings(f"{path}: newBatchThreshold must be a whole number, not {threshold!r}")
    return QueueOptions(
        batch_size=size,
        new_batch_threshold=threshold,
        max_dequeue_count=_count(section, path, "maxDequeueCount", default.max_dequeue_count),
        max_polling_interval=_span(
            section, path, "maxPollingInterval", default.max_polling_interval
        ),
        visibility_timeout=_span(section, path, "visibilityTimeout", default.visibility_timeout),
        base64=encoding == "base64",
    )


def _blob_options(section: dict[str, object], path: Path) -> BlobOptions:
    default = BlobOptions()
    return BlobOptions(
        max_degree_of_parallelism=_count(
            section, path, "maxDegreeOfParallelism", default.max_degree_of_parallelism
        ),
        poison_blob_threshold=_count(
            section, path, "poisonBlobThreshold", default.poison_blob_threshold
        ),
    )


def _span(section: dict[str, object], path: Path, name: str, default: timedelta) -> timedelta:
    """Return a time span, which may also be given in milliseconds."""
    value = section.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return timedelta(milliseconds=value)
    span = parse_time_span(str(value))
    if span is None:
        raise BadSettings(f"{path}: {name} must be hh:mm:ss, not {value!r}")
    return span


def apply_local_settings(folder: Path, environment: MutableMapping[str, str]) -> list[str]:
    """Put ``Values`` of ``local.settings.json`` into ``environment``.

    What is set already stays. Returns the names that were added.

    Raises:
        BadSettings: the file is no JSON object, is encrypted, or a value is not a string.
    """
    path = folder / "local.settings.json"
    content = _object(path)
    if content.get("IsEncrypted") is True:
        raise BadSettings(f"{path} is encrypted; run `func settings decrypt` first")
    values = content.get("Values", {})
    if not isinstance(values, dict):
        raise BadSettings(f"{path}: Values must be an object")
    added = []
    for name, value in values.items():
        if isinstance(value, dict | list) or value is None:
            raise BadSettings(f"{path}: Values.{name} must be a string")
        if name not in environment:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            environment[name] = text
            added.append(name)
    return added


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace each ``%NAME%`` by the setting of that name.

    Raises:
        BadSettings: there is no such setting.
    """
    values = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise BadSettings(f"'{text}' needs the setting {name}, which is not set")
        return values[name]

    return _SETTING.sub(value, text)


def parse_time_span(text: str) -> timedelta | None:
    """Return a .NET time span (``hh:mm:ss`` or ``d.hh:mm:ss``), or None when it is none."""
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        return None
    parts = {name: float(value or 0) for name, value in match.groupdict().items()}
    return timedelta(**parts)


def _object(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise BadSettings(f"{path} must contain a JSON object")
    return content


def _section(content: dict[str, object], path: Path, *names: str) -> dict[str, object]:
    section: object = content
    for depth, name in enumerate(names, start=1):
        section = section.get(name, {}) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            raise BadSettings(f"{path}: {'.'.join(names[:depth])} must be an object")
    return section if isinstance(section, dict) else {}


def _timeout(content: dict[str, object], path: Path, default: timedelta | None) -> timedelta | None:
    text = content.get("functionTimeout")
    if text is None:
        return default
    if text in ("-1", -1):
        return None
    span = parse_time_span(str(text))
    if not span:
        raise BadSettings(f"{path}: functionTimeout must be hh:mm:ss or -1, not {text!r}")
    return span


def _count(section: dict[str, object], path: Path, name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadSettings(f"{path}: {name} must be a whole number above 0, not {value!r}")
    return value
