"""Reading an untrusted JSON object: any spelling of a name, one meaning, a clear refusal.

Senders write ``pipelineName``, ``PipelineName`` or ``pipeline_name``. All spellings of a
field are read; if two of them disagree nobody can say which is right, so that is refused:
otherwise text that slipped out of an error message could override the real field.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.errors import InvalidInput
from shared.intake.body import join
from shared.intake.text import has_invisible, one_line

MAX_NAME_CHARS = 260
MAX_ID_CHARS = 128
MAX_LABEL_CHARS = 260

_EXPRESSION = re.compile(r"@\{|^@[A-Za-z]+\(")
# Characters that Azure forbids in names and that would change the path of a REST call.
_UNSAFE_IN_PATH = re.compile(r"[/\\?#%<>*]")

_TYPE_NAMES = (
    (bool, "true or false"),
    (dict, "an object"),
    (list, "a list"),
    (str, "text"),
    ((int, float), "a number"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the path under which the sender wrote it."""

    value: object
    path: str


class JsonObject:
    """The members of one JSON object, found by name without regard to case and ``_``.

    Args:
        value: What the parser returned.
        path: Where it stands in the body; empty for the body itself.

    Raises:
        InvalidInput: ``value`` is not an object.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise wrong_type(value, "an object", path or "body")
        self.path = path
        self._members: dict[str, list[Found]] = {}
        for key, member in value.items():
            self._add(key, Found(member, join(path, key)))

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[str, Found]], path: str) -> "JsonObject":
        """Build one from names that were not the keys of an object."""
        result = cls({}, path)
        for name, found in pairs:
            result._add(name, found)
        return result

    def _add(self, key: str, found: Found) -> None:
        self._members.setdefault(plain_name(key), []).append(found)

    def over(self, other: "JsonObject") -> "JsonObject":
        """Return one with these members, and those of ``other`` that are missing here."""
        result = JsonObject({}, self.path)
        # At the speed of dict: what is common to 500 alerts is put under each of them.
        result._members = other._members | self._members  # noqa: SLF001 (of the same class)
        return result

    def members(self) -> Iterable[tuple[str, Found]]:
        """Return everything there is, by :func:`plain_name`; a name may come twice."""
        return ((name, found) for name, all_of_it in self._members.items() for found in all_of_it)

    def path_of(self, name: str) -> str:
        """Return the dotted path a member would have."""
        return join(self.path, name)

    def find_all(self, *names: str) -> list[Found]:
        """Return every member that is not null under one of ``names``, in their order."""
        return [
            found
            for name in names
            for found in self._members.get(plain_name(name), ())
            if found.value is not None
        ]

    def find(self, *names: str) -> Found | None:
        """Return the member that is not null or blank under one of ``names``.

        Raises:
            InvalidInput: two spellings of it disagree.
        """
        candidates = self.find_all(*names)
        given = [found for found in candidates if not _is_blank(found.value)]
        if not given:
            return None
        first = given[0]
        for other in given[1:]:
            if _comparable(other.value) != _comparable(first.value):
                raise InvalidInput(
                    f"{first.path} and {other.path} disagree; send one of them", field=other.path
                )
        return first

    def require(self, *names: str, hint: str = "") -> Found:
        """Return the member under one of ``names``, of which the first is the usual one.

        Raises:
            InvalidInput: it is missing or blank, or two spellings disagree.
        """
        found = self.find(*names)
        if found is not None:
            return found
        blank = self.find_all(*names)
        path = blank[0].path if blank else self.path_of(names[0])
        raise InvalidInput(f"{path} is {'empty' if blank else 'missing'}{hint}", field=path)

    def child(self, *names: str) -> "JsonObject | None":
        """Return the object under one of ``names``.

        Raises:
            InvalidInput: there is something else.
        """
        found = self.find(*names)
        return None if found is None else JsonObject(found.value, found.path)

    def require_child(self, name: str) -> "JsonObject":
        """Return the object under ``name``.

        Raises:
            InvalidInput: there is none.
        """
        found = self.require(name)
        return JsonObject(found.value, found.path)


def plain_name(name: str) -> str:
    """Return what all spellings of a field's name have in common."""
    return name.replace("_", "").replace("-", "").casefold()


def read_name(found: Found, *, limit: int = MAX_NAME_CHARS) -> str:
    """Return a name that is safe to show and to put into a path, as the sender spelt it.

    Raises:
        InvalidInput: wrong type, too long, not printable, or an unevaluated expression.
    """
    name = read_label(found, limit=limit)
    if unsafe := _UNSAFE_IN_PATH.search(name):
        raise InvalidInput(f"{found.path} contains {unsafe[0]!r}", field=found.path)
    if not name.strip("."):
        raise InvalidInput(f"{found.path} is only dots", field=found.path)
    return name


def read_id(found: Found) -> str:
    """Return an id; senders write ids as text or as a whole number.

    Raises:
        InvalidInput: as :func:`read_name`, or there is white space in it.
    """
    value = found.value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = read_name(Found(value, found.path), limit=MAX_ID_CHARS)
    if any(character.isspace() for character in text):
        raise InvalidInput(f"{found.path} contains white space", field=found.path)
    return text


def read_label(found: Found, *, limit: int = MAX_LABEL_CHARS) -> str:
    """Return a short text on one line, trimmed.

    Raises:
        InvalidInput: wrong type, empty, too long, not printable, or an unevaluated expression.
    """
    if not isinstance(found.value, str):
        raise wrong_type(found.value, "text", found.path)
    text = found.value.strip()
    if not text:
        raise InvalidInput(f"{found.path} is empty", field=found.path)
    if len(text) > limit:
        raise InvalidInput(
            f"{found.path} has {len(text)} characters; at most {limit} are accepted",
            field=found.path,
        )
    if has_invisible(text):
        raise InvalidInput(f"{found.path} contains control characters", field=found.path)
    if is_expression(text):
        raise InvalidInput(
            f"{found.path} is the expression {one_line(text, 80)!r} itself, not its value: "
            "enter the body as dynamic content, so that Data Factory evaluates it",
            field=found.path,
        )
    return text


def read_text(found: Found | None) -> str:
    """Return free text as it was sent, which still has to be cleaned; empty if there is none.

    Raises:
        InvalidInput: it is not text.
    """
    if found is None:
        return ""
    if not isinstance(found.value, str):
        raise wrong_type(found.value, "text", found.path)
    return found.value


def read_list(found: Found) -> list[Found]:
    """Return the items of a list with their paths.

    Raises:
        InvalidInput: it is not a list.
    """
    if not isinstance(found.value, list):
        raise wrong_type(found.value, "a list", found.path)
    return [Found(item, f"{found.path}[{number}]") for number, item in enumerate(found.value)]


def read_code(found: Found) -> str:
    """Return a short label that may also be written as a number, such as an error code.

    Raises:
        InvalidInput: as :func:`read_label`.
    """
    value = found.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value).removesuffix(".0")
    return read_label(Found(value, found.path), limit=MAX_ID_CHARS)


def optional_label(found: Found | None) -> str | None:
    """Return :func:`read_label` of ``found``, or ``None`` if there is none."""
    return None if found is None else read_label(found)


def is_expression(text: str) -> bool:
    """Say whether Data Factory should have replaced ``text`` before it sent the body."""
    return _EXPRESSION.search(text) is not None


def wrong_type(value: object, wanted: str, path: str) -> InvalidInput:
    """Return the refusal of a value that has another JSON type than ``wanted``."""
    found = next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "null")
    return InvalidInput(f"{path} is {found}; it must be {wanted}", field=path)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _comparable(value: object) -> str:
    return str(value).strip().casefold()
