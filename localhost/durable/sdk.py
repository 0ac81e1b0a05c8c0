"""The installed SDK, and the few places where the local host changes it.

Changes are made only while a host runs and are taken back afterwards; production
runs the SDK as it is.
"""

import functools
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any

_HISTORY_EVENT = "azure.durable_functions.models.history.HistoryEvent"
_HTTP = "azure.durable_functions.models.utils.http_utils"

# Pure functions that the SDK calls with the same arguments in every replay. The first
# one makes a class each time, which alone is half of a short replay.
_REPEATED = (
    ("azure.durable_functions.models.TaskOrchestrationExecutor", "namedtuple"),
    ("azure.durable_functions.models.DurableOrchestrationContext", "parse_timespan_attrib"),
    ("azure.functions._durable_functions", "_is_strict_mode"),
)


def _module(name: str) -> ModuleType:
    # Some of the SDK's packages rebind a module's name to the class inside it.
    importlib.import_module(name)
    return sys.modules[name]


@contextmanager
def tuned() -> Iterator[None]:
    """Make replays several times faster, and keep the SDK's own warnings out of the log.

    70 to 80 % of a replay is ``dateutil.parser.parse``; ``datetime.fromisoformat``
    gives the same value for every timestamp this host writes.
    """
    module: Any = _module(_HISTORY_EVENT)
    slow = module.dt_parse

    def parse(text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return slow(text)  # type: ignore[no-any-return]

    module.dt_parse = parse
    repeated = [(_module(name), function) for name, function in _REPEATED]
    plain = [getattr(owner, function) for owner, function in repeated]
    for (owner, function), original in zip(repeated, plain, strict=True):
        setattr(owner, function, functools.cache(original))
    saved = warnings.filters[:]
    warnings.filterwarnings("ignore", module=r"azure\.(durable_)?functions\b")
    try:
        yield
    finally:
        module.dt_parse = slow
        for (owner, function), original in zip(repeated, plain, strict=True):
            setattr(owner, function, original)
        warnings.filters[:] = saved  # type: ignore[index]


async def close_client_session() -> None:
    """Close the HTTP session that all durable clients of the process share.

    It belongs to the event loop that first used it, so it must not outlive the host.
    """
    module: Any = _module(_HTTP)
    await module._close_session()  # noqa: SLF001  the SDK offers no other way
