"""Error codes as they stand inside messages, however deeply wrapped.

Data Factory and Databricks wrap the error that matters: an activity fails with
2200 while ``ErrorCode=...`` or ``SqlErrorNumber=...`` inside its message names
the cause. Names are folded to one case; numbers carry their namespace, because
the same digits mean different things to different systems: ``adf:3208``,
``sql:40613``, ``http:429``, ``sqlstate:42p01`` (and its class, ``sqlstate:42``).

Each pattern is linear: no quantifier inside a quantifier, every run bounded.
"""

import re
from collections.abc import Iterator

from shared.diagnosis.reading import bounded

# These say that something inside failed, not what: Microsoft Learn, "Troubleshoot Azure
# Data Factory and Synapse pipelines", gives them no meaning of their own.
CONTAINERS = frozenset({"adf:2200", "adf:2100", "adf:11402", "adf:3204"})

_MAX_NAME = 120

_I = re.IGNORECASE
_CUE = r"['\"]?\s{0,5}[=:]\s{0,5}['\"]?"
_NAMED = (
    re.compile(rf"error[ _]?(?:code|type){_CUE}([A-Za-z][\w-]{{2,119}})", _I),
    re.compile(rf"\bcode{_CUE}([A-Z][A-Za-z0-9_]{{2,119}})"),
    re.compile(r"<Code>([A-Za-z]\w{2,119})</Code>"),
    re.compile(r"\"StatusCode\"\s{0,5}:\s{0,5}\"([A-Z][\w-]{2,119})\""),
    re.compile(r"\[([A-Z][A-Z0-9_.]{3,119})\]"),
    re.compile(
        r"\b([A-Z][A-Z0-9_]{3,119})\s?\((?:CLIENT_ERROR|SERVICE_FAULT|CLOUD_FAILURE|SUCCESS)\)"
    ),
    re.compile(r"\bresult_state['\"]?\s{0,5}[=:]?\s{0,5}['\"]?([A-Z][A-Z_]{3,119})"),
    re.compile(r"^\s{0,20}\(?([A-Za-z][\w-]{3,119})\)?\s?[:)]"),
    re.compile(r"^\s{0,20}[A-Z_]{3,40} / ([A-Z][A-Z_]{3,119}):"),
)
# Databricks pages spell a termination code in words: "Reason: Communication lost".
_IN_WORDS = re.compile(r"\breason:\s{0,5}([A-Za-z][A-Za-z -]{3,60})", _I)
_NUMBERED = (
    ("sql", re.compile(rf"\bSqlErrorNumber{_CUE}(\d{{2,6}})\b", _I)),
    ("sql", re.compile(rf"\bError Number{_CUE}(\d{{2,6}})\b", _I)),
    ("sql", re.compile(r"\bNumber=(\d{2,6}),State=")),
    ("sql", re.compile(r"\bMsg (\d{2,6}), Level\b", _I)),
    (
        "sql",
        re.compile(rf"\bSQL(?: Server)? error(?: code| number)?(?:{_CUE}|\s)(\d{{2,6}})\b", _I),
    ),
    ("sql", re.compile(r"\bError:? (\d{4,6}), (?:Severity|Level|State)\b", _I)),
    ("sql", re.compile(r"\bMessage=(\d{5,6});")),
    ("sql", re.compile(r"\bError (\d{4,6}):", _I)),
    ("adf", re.compile(r"\"errorCode\"\s{0,5}:\s{0,5}\"(\d{3,5})\"", _I)),
    ("adf", re.compile(r"\bErrorCode=(\d{3,5})\b", _I)),
    (
        "http",
        re.compile(r"\bstatus[ _]?code(?: is)?['\"]?\s{0,5}[=:-]?\s{0,5}['\"]?([45]\d\d)\b", _I),
    ),
    (
        "http",
        re.compile(
            r"\bHTTP(?:/\d(?:\.\d)?)?(?: error| status)?\s{0,5}[=:]?\s{0,5}([45]\d\d)\b", _I
        ),
    ),
    ("http", re.compile(r"\bby code: ([45]\d\d)\b", _I)),
    ("http", re.compile(r"\((?:HTTP )?([45]\d\d)\)")),
    ("http", re.compile(r"\b([45]\d\d) (?:client|server) error\b", _I)),
    (
        "http",
        re.compile(
            r"\b(?:response|error|too many|returned|answered|says|said|got|with|status)"
            r" ([45]\d\d)\b",
            _I,
        ),
    ),
    ("http", re.compile(r"[\"'], ([45]\d\d), (?:GET|PUT|HEAD|POST|PATCH|DELETE)\b")),
    ("sqlstate", re.compile(rf"\bSQLSTATE(?:{_CUE}|\s)([0-9A-Z]{{5}})\b")),
)
# .NET names HTTP answers by word: "invalid status code 'Forbidden'".
_HTTP_WORD = re.compile(r"(?:['\"]|[45]\d\d )([A-Z][A-Za-z]{6,30})\b")
_HTTP_WORDS = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "RequestTimeout": 408,
    "Conflict": 409,
    "PreconditionFailed": 412,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "BadGateway": 502,
    "ServiceUnavailable": 503,
    "GatewayTimeout": 504,
}
# Classes of Java, .NET and Python: what no signature knows is read by its name.
_CLASS = re.compile(r"(?<![A-Za-z0-9_])([A-Z][A-Za-z0-9]{3,80}(?:Exception|Error))(?![A-Za-z0-9_])")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
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
            # The same error of Data Factory is named with and without its failure type.
            yield name.removeprefix("usererror").removeprefix("systemerror") or name
    for match in _CLASS.finditer(text):
        yield match[1].casefold()
    for match in _IN_WORDS.finditer(text):
        yield "_".join(match[1].casefold().replace("-", " ").split())


def _numbered(text: str) -> Iterator[str]:
    for namespace, pattern in _NUMBERED:
        for match in pattern.finditer(text):
            yield f"{namespace}:{match[1].casefold()}"
            if namespace == "sqlstate":
                yield f"sqlstate:{match[1][:2].casefold()}"
    for match in _HTTP_WORD.finditer(text):
        if match[1] in _HTTP_WORDS:
            yield f"http:{_HTTP_WORDS[match[1]]}"


def _mentioned(text: str, known: frozenset[str]) -> Iterator[str]:
    for token in set(_TOKEN.findall(text)):
        name = token.casefold()
        if name in known and is_distinctive(token):
            yield name


def in_words(name: str) -> str:
    """Return the words a CamelCase or SNAKE_CASE ``name`` is made of; a number has none."""
    return _WORD_START.sub(" ", name[:_MAX_NAME]).replace("_", " ").replace("-", " ")


def is_distinctive(name: str) -> bool:
    """Tell whether ``name`` can only be a code: SNAKE_CASE, CamelCase or dashed."""
    capitals = sum(char.isupper() for char in name)
    if "_" in name or "-" in name:
        return capitals >= 2
    return (
        len(name) >= 8 and capitals >= 2 and any(char.isdigit() or char.islower() for char in name)
    )
