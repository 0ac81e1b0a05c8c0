"""Error codes as they stand inside messages, however deeply wrapped.

Data Factory and Databricks wrap the error that matters: an activity fails with
2200 while ``ErrorCode=...`` or ``SqlErrorNumber=...`` inside its message names
the cause. Names are folded to one case; numbers carry their namespace, because
the same digits mean different things to different systems: ``adf:3208``,
``sql:40613``, ``http:429``.

Each pattern is linear: no quantifier inside a quantifier, every run bounded.
"""

import re
from collections.abc import Iterator
from functools import cache

from shared.diagnosis.reading import bounded

# These say that something inside failed, not what; microsoft.com, "Troubleshoot Azure
# Data Factory and Synapse pipelines" gives 2200/2100/3204 no meaning of their own.
CONTAINERS = frozenset({"adf:2200", "adf:2201", "adf:2100", "adf:11402", "adf:3204", "adf:bad"})

_MAX_NAME = 120

_NAMED = (
    re.compile(
        r"error[ _]?code['\"]?\s{0,5}[=:]\s{0,5}['\"]?([A-Za-z][\w-]{2,119})", re.IGNORECASE
    ),
    re.compile(
        r"error[ _]?type['\"]?\s{0,5}[=:]\s{0,5}['\"]?([A-Za-z][\w-]{2,119})", re.IGNORECASE
    ),
    re.compile(r"\bcode['\"]?\s{0,5}[=:]\s{0,5}['\"]?([A-Z][A-Za-z0-9_]{2,119})"),
    re.compile(r"<Code>([A-Za-z]\w{2,119})</Code>"),
    re.compile(r"\"StatusCode\"\s{0,5}:\s{0,5}\"([A-Z][\w-]{2,119})\""),
    re.compile(r"\[([A-Z][A-Z0-9_.]{3,119})\]"),
    re.compile(
        r"\b([A-Z][A-Z0-9_]{3,119})\((?:CLIENT_ERROR|SERVICE_FAULT|CLOUD_FAILURE|SUCCESS)\)"
    ),
    re.compile(r"\bresult_state['\"]?\s{0,5}[=:]?\s{0,5}['\"]?([A-Z][A-Z_]{3,119})"),
    re.compile(r"^\s{0,20}\(?([A-Za-z][\w-]{3,119})\)?\s?[:)]"),
    re.compile(r"^\s{0,20}[A-Z_]{3,40} / ([A-Z][A-Z_]{3,119}):"),
)
_NUMBERED = (
    ("sql", re.compile(r"\bSqlErrorNumber\s{0,5}[=:]\s{0,5}(\d{2,6})\b", re.IGNORECASE)),
    ("sql", re.compile(r"\bError Number\s{0,5}[=:]\s{0,5}(\d{2,6})\b", re.IGNORECASE)),
    ("sql", re.compile(r"\bMsg (\d{2,6}), Level\b", re.IGNORECASE)),
    (
        "sql",
        re.compile(
            r"\bSQL(?: Server)? error(?: code)?\s{0,5}[=:]?\s{0,5}(\d{2,6})\b", re.IGNORECASE
        ),
    ),
    ("sql", re.compile(r"\bError:? (\d{4,6}), (?:Severity|Level|State)\b", re.IGNORECASE)),
    ("sql", re.compile(r"\bMessage=(\d{5,6});")),
    ("adf", re.compile(r"\"errorCode\"\s{0,5}:\s{0,5}\"(\d{3,5})\"", re.IGNORECASE)),
    ("adf", re.compile(r"\bErrorCode=(\d{3,5})\b", re.IGNORECASE)),
    (
        "http",
        re.compile(r"\bstatus[ _]?code['\"]?\s{0,5}[=:]?\s{0,5}['\"]?([45]\d\d)\b", re.IGNORECASE),
    ),
    (
        "http",
        re.compile(
            r"\bHTTP(?:/\d(?:\.\d)?)?(?: error| status)?\s{0,5}[=:]?\s{0,5}([45]\d\d)\b",
            re.IGNORECASE,
        ),
    ),
    ("http", re.compile(r"\bby code: ([45]\d\d)\b", re.IGNORECASE)),
    ("http", re.compile(r"\((?:HTTP )?([45]\d\d)\)")),
    ("http", re.compile(r"\b([45]\d\d) (?:client|server) error\b", re.IGNORECASE)),
    ("http", re.compile(r"\b(?:response|error|too many) ([45]\d\d)\b", re.IGNORECASE)),
)
_TOKEN = re.compile(r"[A-Za-z][\w-]{3,119}")


def codes_in(error_code: str, message: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return every code of one error: its own and those inside its message.

    Args:
        error_code: What the system of record put into the field of that name.
        message: Untrusted text of any length; only head and tail are looked at.
        known: Folded names that count wherever they are mentioned, provided
            they cannot be ordinary words; others need a cue such as ``ErrorCode=``.
    """
    text = bounded(message)
    found = {
        *_from_field(error_code, known),
        *_named(text),
        *_numbered(text),
        *_mentioned(text, known),
    }
    return frozenset(found)


def _from_field(error_code: str, known: frozenset[str]) -> Iterator[str]:
    code = error_code.strip()[:_MAX_NAME]
    if not (code.isdigit() and code.isascii()):
        yield code.casefold()
    elif code[0] in "45" and len(code) == 3:
        yield f"http:{code}"
    else:
        # Activity codes and SQL numbers overlap; the activity's meaning goes first.
        yield f"adf:{code}"
        if f"adf:{code}" not in known:
            yield f"sql:{code}"


def _named(text: str) -> Iterator[str]:
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            name = match[1].casefold()
            yield name
            # Spark's error classes have sub-classes: DELTA_X.SUBCLASS is still DELTA_X.
            yield name.partition(".")[0]


def _numbered(text: str) -> Iterator[str]:
    for namespace, pattern in _NUMBERED:
        for match in pattern.finditer(text):
            yield f"{namespace}:{match[1]}"


def _mentioned(text: str, known: frozenset[str]) -> Iterator[str]:
    for token in set(_TOKEN.findall(text)):
        name = token.casefold()
        if name in known and is_distinctive(token):
            yield name


@cache
def is_distinctive(name: str) -> bool:
    """Tell whether ``name`` can only be a code: SNAKE_CASE, CamelCase or dashed."""
    capitals = sum(char.isupper() for char in name)
    if "_" in name or "-" in name:
        return capitals >= 2
    return (
        len(name) >= 8 and capitals >= 2 and any(char.isdigit() or char.islower() for char in name)
    )
