"""Two keys of a failure's text: what is the same failure, and what is the same kind.

``exact``: the text itself, with only what differs between two reports of one cause
masked: identifiers, times, addresses, sizes. What stands in quotes stays: the name of
a module or a column decides what is wrong. Fit for reusing a verdict.

``template``: names in quotes and paths are masked too. Fit for trends and similar tickets;
never for reusing a verdict, because two causes can share a template.

Both keep what tells causes apart: status codes, SQL error numbers, SQLSTATE, error
codes, exit codes and reasons such as 'Forbidden', quoted or not. Both read what the
diagnosis reads: the head and the tail of a long text. Every pattern is linear.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable

from shared.diagnosis.failure import FailureText
from shared.diagnosis.reading import bounded, plain, printable

VERSION = "1"
"""Part of every key: raised whenever the same text gets another key."""

_HEX = r"[0-9a-f]"
_GUID = rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
# The text is plain by then: lower case, one kind of quote, single spaces.
_VARIABLE = (
    ("<guid>", re.compile(_GUID)),
    (
        "<time>",
        re.compile(
            r"\b\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
            r"(?: ?(?:z\b|utc\b|[+-]\d{2}:?\d{2}))?)?"
            r"|\b\d{1,2}/\d{1,2}/\d{4}(?: \d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[ap]m\b)?)?"
            rf"|\b\d{{1,2}} {_MONTH} \d{{4}}|\b{_MONTH} \d{{1,2}},? \d{{4}}"
            r"|\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
        ),
    ),
    ("<url>", re.compile(r"\b[a-z][a-z0-9+]{1,11}://[^\s'\"<>()\[\]]{1,400}")),
    ("<mail>", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")),
    ("<ip>", re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b")),
    (
        "<host>",
        re.compile(
            r"\b(?:[\w-]{1,63}\.){1,5}(?:windows\.net|azure\.com|azuredatabricks\.net|"
            r"microsoft\.com|azurehdinsight\.net|local|internal|example)(?::\d{1,5})?\b"
        ),
    ),
    ("<id>", re.compile(rf"\b(?:0x{_HEX}{{4,40}}|{_HEX}{{24,128}})\b")),
    ("<id>", re.compile(r"\b\d{4}-\d{6}-[a-z0-9]{6,12}\b")),  # a Databricks cluster
    ("<id>", re.compile(r"\b(?:application|container|job|task|attempt|stage|run)_[\w-]{4,80}")),
)
# Names that mean something to a person and differ from run to run.
_PATH = re.compile(r"(?<![\w<])(?:[a-z]:\\|dbfs:/|file:/|\\\\|/)[^\s'\"<>,;()\[\]]{2,400}")
_QUOTED = re.compile(r"(?<!\w)'([^']{0,200})'(?!\w)|\"([^\"]{0,200})\"")
_LONGEST_NAME_WORDS = 4  # more in quotes is a sentence, such as a message inside JSON
_NUMBER = re.compile(r"(?<![\w.<-])\d+(?:[.,]\d+)*%?(?![\w>])")
# A number right behind one of these is a code, not a count.
_CUE = re.compile(
    r"(?:code|number|status|sqlstate|error|msg|http(?:/\d(?:\.\d)?)?|state|aadsts|ora|response|"
    r"exit|errno|hresult|statuscode)\b['\")]{0,2} {0,2}(?:is|was|of|[=:#(-])?"
    r" {0,2}['\"(]{0,2}$"
)
_CUE_CHARS = 24
_STATUS = re.compile(r"[1-5]\d\d")
# .NET and the services quote the reason of an HTTP answer; it decides what helps.
_REASON = re.compile(
    r"(?:bad ?request|unauthori[sz]ed|forbidden|not ?found|conflict|gone|precondition ?failed|"
    r"too ?many ?requests|internal ?(?:server ?)?error|bad ?gateway|service ?unavailable|"
    r"server ?busy|gateway ?timeout|request ?timeout|source|sink|[\w.]{0,120}(?:exception|error))"
)


def exact(texts: Iterable[FailureText]) -> str:
    """Return the key of the same failure: 32 hexadecimal digits; the order means nothing."""
    return _key("exact", (_spelled(text, masked_exactly) for text in texts))


def template(texts: Iterable[FailureText]) -> str:
    """Return the key of the same kind of failure: 32 hexadecimal digits; in any order."""
    return _key("template", (_spelled(text, masked) for text in texts))


def masked_exactly(message: str) -> str:
    """Return ``message`` without what differs between two reports of the same cause."""
    return _without_counts(_without_variables(message))


def masked(message: str) -> str:
    """Return ``message`` without any name or number that is not part of the error itself."""
    text = _QUOTED.sub(_kept_reason, _without_variables(message))
    return _without_counts(_PATH.sub("<path>", text))


def _without_variables(message: str) -> str:
    text = plain(printable(bounded(message)))
    for mark, pattern in _VARIABLE:
        text = pattern.sub(mark, text)
    return text


def _kept_reason(match: re.Match[str]) -> str:
    inner = match[1] if match[1] is not None else match[2]
    is_key = match.string[match.end() : match.end() + 2].lstrip().startswith(":")
    is_code = _STATUS.fullmatch(inner) or _is_cued(match.string, match.start())
    is_prose = len(inner.split()) > _LONGEST_NAME_WORDS
    return match[0] if is_key or is_code or is_prose or _REASON.fullmatch(inner) else "<name>"


def _without_counts(text: str) -> str:
    return _NUMBER.sub(lambda match: match[0] if _is_code(match) else "<n>", text)


def _is_code(match: re.Match[str]) -> bool:
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    if _STATUS.fullmatch(match[0]) and before + after in {"()", "''", '""'}:
        return True  # "(429)", "'503'"
    return _is_cued(match.string, match.start())


def _is_cued(text: str, at: int) -> bool:
    return _CUE.search(text[max(0, at - _CUE_CHARS) : at]) is not None


def _spelled(text: FailureText, mask: Callable[[str], str]) -> tuple[str, ...]:
    # Which step it was matters no more than which run: the cause does.
    return (text.error_code.strip().casefold()[:120], mask(text.message))


def _key(kind: str, texts: Iterable[tuple[str, ...]]) -> str:
    content = json.dumps([VERSION, kind, sorted(set(texts))])
    return hashlib.sha256(content.encode()).hexdigest()[:32]
