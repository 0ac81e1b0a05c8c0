"""Secrets out of text before it reaches tickets, logs or prompts.

Better one word too many than one secret too few: a value that stands behind a
secret's name goes, whatever it looks like. Every pattern is linear: a run starts
only where the run before cannot include it, or is bounded. PEM blocks are cut
out by hand for the same reason.
"""

import re
import string

MARK = "[redacted]"

# Lower case throughout: the text is folded for the search, which keeps patterns fast.
_NAMES = (
    r"(?:passw(?:or)?d|passphrase|pwd|account_?key|access_?key|shared_?key|api[_-]?key|"
    r"subscription-key|functions-key|function_?key|account\.key|signing_?key|encryption_?key|"
    r"private_?key|secret|(?<!publickey)token|credential)[\w.-]{0,60}"
)
_QUOTE = r"\\{0,3}[\"']?"
# A quoted value ends at its own quote, an escaped one at the next escaped quote; the
# branches of each repeated group start with different characters, so none is tried twice.
_QUOTED = (
    r"(?<=\\\")(?:[^\"\n\\]|\\(?!\"))+|(?<=\")(?:[^\"\n\\]|\\.)+|(?<=\\')[^'\n\\]+|(?<=')[^'\n]+"
)
# In a connection string a value may hold spaces and ends at the semicolon; elsewhere at a space.
_NAMED_VALUE = re.compile(
    rf"{_NAMES}(?:"
    rf"{_QUOTE}\s{{0,5}}=\s{{0,5}}{_QUOTE}({_QUOTED}|\{{[^}}\n]+\}}?|[^;\n\"'&<>]+)"
    rf"|{_QUOTE}\s{{0,5}}:\s{{0,5}}{_QUOTE}({_QUOTED}|[^\s;,\"'&<>]+)"
    r"|>([^<\n]+)"
    r")"
)
_OPTION = re.compile(rf"(?<![\w-])--?(?:[a-z0-9]{{1,20}}-){{0,3}}{_NAMES}\s{{1,5}}([^\s-]\S*)")
_CLAUSE = re.compile(r"\bidentified\s{1,5}by\s{1,5}'?([^'\n;]+)")
_QUERY = re.compile(r"(?:[?&;\s\"']|%26|%3f|^)(?:sig|code|key)(?:=|%3d)([^&\s\"'<>;]+)")
_SCHEME = re.compile(r"\b(?:bearer|sharedaccesssignature|sharedkey)\s{1,5}([\w+/=.~:%-]{8,})")
_HEADER = re.compile(
    rf"authorization{_QUOTE}\s{{0,5}}[:=]\s{{0,5}}{_QUOTE}(?:[a-z]{{1,20}}\s{{1,5}})?([^\s,;\"'<>\\]+)"
)
_URL_LOGIN = re.compile(r"://([^\s/@:\"'<>]{0,300}:[^\s@\"'<>]{0,300})@")
_BY_CONTEXT = (_NAMED_VALUE, _OPTION, _CLAUSE, _QUERY, _SCHEME, _HEADER, _URL_LOGIN)

_BY_SHAPE = (
    # JSON web tokens, signed or encrypted.
    re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,4}"),
    # Databricks personal access tokens and OAuth secrets.
    re.compile(r"\b(?:dapi|dose)[0-9a-f]{32}(?:-\d{1,3})?"),
    # 64-byte keys of Storage, Cosmos and Event Hubs, 32-byte keys of Service Bus and IoT.
    re.compile(r"(?<![\w+/])(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)"),
    # Entra client secrets.
    re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,40}"),
    # AWS, GitHub and Slack.
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{36,255}|\bxox[abeprs]-[\w-]{10,250}"),
)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")
# Unlike str.lower this never changes the length, so positions stay true.
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def redact(text: str) -> str:
    """Return ``text`` with every secret it seems to hold replaced by ``[redacted]``.

    Idempotent, and linear in the length of ``text``.
    """
    text = _without_pem(text)
    for pattern in _BY_SHAPE:
        text = pattern.sub(MARK, text)
    for pattern in _BY_CONTEXT:
        text = _without_values(pattern, text)
    return text


def _without_values(pattern: re.Pattern[str], text: str) -> str:
    kept, at = [], 0
    for match in pattern.finditer(text.translate(_FOLD)):
        start, end = match.span(match.lastindex or 0)
        kept += [text[at:start], MARK]
        at = end
    return "".join((*kept, text[at:]))


def _without_pem(text: str) -> str:
    kept, at = [], 0
    while begin := _PEM_BEGIN.search(text, at):
        kept += [text[at : begin.start()], MARK]
        end = _PEM_END.search(text, begin.end())
        at = end.end() if end else len(text)
    return "".join((*kept, text[at:]))
