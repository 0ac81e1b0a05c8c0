"""Which servers and other configuration items a text is about; a model may find further ones."""

import hashlib
from collections.abc import Iterable

from shared.diagnosis.model.names import ask_for_names, names_in
from shared.domain.errors import ModelUnavailable
from shared.intake.configuration_items import MAX_ITEMS, Item, Where, extract
from shared.ports.settings import SettingsStore
from shared.usecases.ask_model import Advisor
from shared.usecases.operator_settings import inventory

MAX_SECONDS = 10.0
"""Somebody waits for the answer."""


async def name_items(
    store: SettingsStore,
    *,
    metadata: Iterable[str] = (),
    service: str = "",
    text: str = "",
    advisor: Advisor | None = None,
    about: str = "",
) -> tuple[Item, ...]:
    """Return the names, the surest first, each once, at most ``MAX_ITEMS``.

    Args:
        metadata: What fields of that meaning say.
        service: The alert's service field.
        text: Title and description.
        advisor: Asked only where rules find nothing that is known by name. What it says counts
            if it stands in the text, and comes last.
        about: Whose calls to the model are counted together: a ticket's id, else the text's own.

    Raises:
        Unavailable: the inventory cannot be read.
    """
    known = await inventory(store)
    found = extract(metadata=metadata, service=service, text=text, inventory=known)
    if advisor is None or not text.strip() or any(item.known for item in found):
        return found
    question, shown = ask_for_names(text)
    about = about or f"text-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
    try:
        names = await advisor.ask(
            question, lambda answer: names_in(answer, shown), about=about, seconds=MAX_SECONDS
        )
    except ModelUnavailable:
        return found
    spellings = known.spellings()
    items = {item.name.casefold(): item for item in found}
    for name in names:
        spelt = spellings.get(name.casefold())
        item = Item(name=spelt or name, where=Where.TEXT, known=spelt is not None)
        items.setdefault(item.name.casefold(), item)
    return tuple(items.values())[:MAX_ITEMS]
