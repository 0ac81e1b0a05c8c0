"""Secrets out of text before it reaches tickets, logs or prompts.

Better one word too many than one secret too few: a value that stands behind a
secret's name goes, whatever it looks like. Every pattern is linear: runs start
only where the run before cannot include them, or are bounded. Pairs of markers
(PEM) are searched by hand for the same reason.
"""

import re

MARK = "[redacted]"

_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|account_?key|access_?key|shared_?key|api[_-]?key|apikey|"
    r"subscription-key|functions-key|function_?key|account\.key|signing_?key|encryption_?key|"
    r"private_?key|client_?secret|secret_?key|secret|(?:access|refresh|id|auth|bearer|sas)[_-]?token|"
    r"(?<!publickey)token|credential"
)
# "name" : "  or  \"name\":\"  or  name = '
_GAP = r"\\{0,3}[\"']?\s{0,5}"
_OPEN = r"\s{0,5}\\{0,3}[\"']?"
# A quoted value ends at its own quote, an escaped one at the next escaped quote; the
# branches of each repeated group start with different characters, so none is tried twice.
_QUOTED = (
    r"(?<=\\\")(?:[^\"\n\\]|\\(?!\"))+|(?<=\")(?:[^\"\n\\]|\\.)+|(?<=\\')[^'\n\\]+|(?<=')[^'\n]+"
)
# In a connection string a value may hold spaces; it ends at the semicolon.
_EQUALS = re.compile(
    rf"((?:{_NAMES})[\w.-]{{0,60}}{_GAP}={_OPEN})({_QUOTED}|\{{[^}}\n]+\}}?|[^;\n\"'&<>]+)",
    re.IGNORECASE,
)
_COLON = re.compile(
    rf"((?:{_NAMES})[\w.-]{{0,60}}{_GAP}:{_OPEN})({_QUOTED}|[^\s;,\"'&<>]+)",
    re.IGNORECASE,
)
_ELEMENT = re.compile(rf"(<[\w:.-]{{0,40}}(?:{_NAMES})[\w.-]{{0,60}}>)([^<\n]+)", re.IGNORECASE)
_OPTION = re.compile(
    rf"(--?[\w-]{{0,40}}(?:{_NAMES})[\w-]{{0,40}}\s{{1,5}})([^\s-]\S*)", re.IGNORECASE
)
_CLAUSE = re.compile(r"(\bidentified\s{1,5}by\s{1,5}'?)([^'\n;]+)", re.IGNORECASE)
_QUERY = re.compile(
    r"((?:[?&;\s\"']|%26|%3F|^)(?:sig|code|key)(?:=|%3D))([^&\s\"'<>;]+)", re.IGNORECASE
)
_SCHEME = re.compile(
    r"(\b(?:bearer|sharedaccesssignature|sharedkey)\s{1,5})([\w+/=.~:%-]{8,})", re.IGNORECASE
)
_BASIC = re.compile(
    r"(authorization\\{0,3}[\"']?\s{0,5}[:=]\s{0,5}\\{0,3}[\"']?(?:[a-z]{1,20}\s{1,5})?)([\w+/=.~:%-]{4,})",
    re.IGNORECASE,
)
_URL_LOGIN = re.compile(r"(://)([^\s/@\"'<>]{0,300}:[^\s@\"'<>]{0,300})(?=@)")
_SHAPES = re.compile(
    r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,4}"  # JSON web tokens, signed or encrypted
    r"|(?<!\w)dapi[0-9a-f]{32}(?:-\d{1,3})?"  # Databricks personal access token
    r"|(?<!\w)dose[0-9a-f]{32}"  # Databricks OAuth secret
    r"|(?<![\w+/])[A-Za-z0-9+/]{86}=="  # 64-byte keys of Storage, Cosmos, Event Hubs
    r"|(?<![\w+/])[A-Za-z0-9+/]{43}="  # 32-byte keys of Service Bus and IoT
    r"|(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,40}"  # Entra client secrets
    r"|(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)"
    r"|(?<!\w)gh[pousr]_\w{36,255}|(?<!\w)xox[abeprs]-[\w-]{10,250}"
)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")

_NAMED = (_EQUALS, _COLON, _ELEMENT, _OPTION, _CLAUSE, _QUERY, _SCHEME, _BASIC, _URL_LOGIN)


def redact(text: str) -> str:
    """Return ``text`` with every secret it seems to hold replaced by ``[redacted]``.

    Idempotent, and linear in the length of ``text``.
    """
    text = _without_pem(text)
    text = _SHAPES.sub(MARK, text)
    for pattern in _NAMED:
        text = pattern.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    return match[1] + MARK


def _without_pem(text: str) -> str:
    kept, at = [], 0
    while begin := _PEM_BEGIN.search(text, at):
        kept += [text[at : begin.start()], MARK]
        end = _PEM_END.search(text, begin.end())
        at = end.end() if end else len(text)
    return "".join((*kept, text[at:]))
