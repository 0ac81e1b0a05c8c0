"""host.json, local.settings.json and %NAME%."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from localhost.settings import (
    BadSettings,
    apply_local_settings,
    expand,
    parse_time_span,
    read_host_settings,
)


def test_a_missing_host_json_means_defaults(tmp_path: Path) -> None:
    """As the real host."""
    settings = read_host_settings(tmp_path)

    assert (settings.route_prefix, settings.custom_headers) == ("api", {})
    assert settings.function_timeout == timedelta(minutes=30)


def test_host_json_is_read(tmp_path: Path) -> None:
    """Everything this host heeds."""
    (tmp_path / "host.json").write_text(
        json.dumps(
            {
                "version": "2.0",
                "functionTimeout": "00:10:00",
                "extensions": {
                    "http": {"routePrefix": "/", "customHeaders": {"X-A": "b"}},
                    "durableTask": {
                        "hubName": "Shop",
                        "defaultVersion": "2",
                        "maxConcurrentActivityFunctions": 3,
                        "maxConcurrentOrchestratorFunctions": 2,
                    },
                },
            }
        ),
        encoding="utf-8-sig",
    )
    settings = read_host_settings(tmp_path)

    assert settings.route_prefix == ""
    assert settings.custom_headers == {"X-A": "b"}
    assert settings.function_timeout == timedelta(minutes=10)
    assert (settings.hub_name, settings.default_version) == ("Shop", "2")
    assert (settings.max_activities, settings.max_orchestrators) == (3, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "host.json"),
        ("[]", "must contain a JSON object"),
        ('{"functionTimeout": "soon"}', "functionTimeout must be hh:mm:ss or -1, not 'soon'"),
        ('{"extensions": 1}', "extensions must be an object"),
        ('{"extensions": {"http": {"routePrefix": 1}}}', "routePrefix must be a string"),
        (
            '{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}',
            "maxConcurrentActivityFunctions must be a whole number above 0, not 0",
        ),
    ],
)
def test_wrong_values_are_named(tmp_path: Path, content: str, words: str) -> None:
    """One line that says which value is wrong."""
    (tmp_path / "host.json").write_text(content)

    with pytest.raises(BadSettings) as error:
        read_host_settings(tmp_path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_no_timeout(tmp_path: Path) -> None:
    """-1 means no limit."""
    (tmp_path / "host.json").write_text('{"functionTimeout": "-1"}')

    assert read_host_settings(tmp_path).function_timeout is None


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    """Values fill gaps only."""
    (tmp_path / "local.settings.json").write_text(
        json.dumps({"IsEncrypted": False, "Values": {"A": "file", "B": "file", "C": True, "D": 3}})
    )
    environment = {"A": "real"}

    assert apply_local_settings(tmp_path, environment) == ["B", "C", "D"]
    assert environment == {"A": "real", "B": "file", "C": "true", "D": "3"}


@pytest.mark.parametrize(
    "content", ['{"IsEncrypted": true}', '{"Values": []}', '{"Values": {"A": {}}}', "nonsense"]
)
def test_unusable_local_settings_are_refused(tmp_path: Path, content: str) -> None:
    """Encrypted, or not of the right shape."""
    (tmp_path / "local.settings.json").write_text(content)

    with pytest.raises(BadSettings, match=r"local\.settings\.json"):
        apply_local_settings(tmp_path, {})


def test_percent_names_are_filled_in() -> None:
    """%NAME% is the setting of that name; a missing one is an error."""
    assert expand("0 %M% * * * *", {"M": "*/5"}) == "0 */5 * * * *"
    with pytest.raises(BadSettings, match="needs the setting M"):
        expand("0 %M% * * * *", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0 */5 * * * *", None),
        ("", None),
    ],
)
def test_time_spans(text: str, expected: timedelta | None) -> None:
    """The .NET form, or nothing."""
    assert parse_time_span(text) == expected
