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
_SETTING = re.compile(r"%([^%\s]+)%")


class BadSettings(Exception):
    """A settings file cannot be used; the message names the file and the value."""


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
    """

    route_prefix: str = "api"
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    function_timeout: timedelta | None = timedelta(minutes=30)
    hub_name: str = "LocalHub"
    default_version: str | None = None
    max_activities: int = 64
    max_orchestrators: int = 64


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
    )


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
