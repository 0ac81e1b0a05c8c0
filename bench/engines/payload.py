"""What every engine carries through its chain. Standard library only."""

STEPS = 5

# About as much as the references that Mend's own activities hand on.
_TEXT = "0123456789abcdef" * 8

Value = dict[str, object]


def first() -> Value:
    """Return the input of a chain."""
    return {"steps": 0, "text": _TEXT}


def advance(value: Value) -> Value:
    """Return the output of one step."""
    return {"steps": int(str(value["steps"])) + 1, "text": value["text"]}


def check(value: object) -> None:
    """Raise ValueError unless ``value`` has been through all steps."""
    if value != {"steps": STEPS, "text": _TEXT}:
        raise ValueError(f"the chain ended with {value!r}")
