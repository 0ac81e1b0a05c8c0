"""Calls one user function as the Azure worker would.

``async def`` runs on the event loop, which the app shares with the host (the durable
client's HTTP session belongs to one loop); everything else gets a thread. The number
of threads is ``PYTHON_THREADPOOL_THREAD_COUNT``, or the worker's own default.
"""

import asyncio
import os
import threading
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import azure.functions as func
from azure.functions import durable_functions as converters
from azure.functions.meta import Datum

from localhost.functions import Function
from localhost.threads import DaemonPool

_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"


class TimedOut(Exception):
    """The function did not end within ``functionTimeout``."""


class _Trace:
    """An empty trace context: nobody traces on one machine."""

    trace_parent = ""
    trace_state = ""
    attributes: Mapping[str, str] = {}


class InvocationContext(func.Context):
    """What a parameter ``context: func.Context`` receives."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._invocation_id = str(uuid.uuid4())
        self._local = threading.local()

    @property
    def invocation_id(self) -> str:
        """See azure.functions.Context."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        """See azure.functions.Context."""
        return self._local

    @property
    def function_name(self) -> str:
        """See azure.functions.Context."""
        return self._function.name

    @property
    def function_directory(self) -> str:
        """See azure.functions.Context."""
        return str(self._function.folder)

    @property
    def trace_context(self) -> Any:
        """See azure.functions.Context."""
        return _Trace()

    @property
    def retry_context(self) -> Any:
        """See azure.functions.Context."""
        return None


class Invoker:
    """Calls functions, with a time limit for each call.

    Args:
        timeout: None means no limit. A thread that exceeds it is left to itself.
        client_binding: The string that durable client parameters receive.
    """

    def __init__(self, timeout: timedelta | None, client_binding: str) -> None:
        self._timeout = timeout
        self._client_binding = client_binding
        self._threads = DaemonPool(_thread_count(), "function")

    async def call(self, function: Function, value: object) -> object:
        """Return what ``function`` returns for the trigger ``value``.

        Raises:
            TimedOut: it took longer than ``functionTimeout``.
            Exception: whatever it raises.
        """
        arguments: dict[str, object] = {function.parameter: value}
        for client in function.clients:
            arguments[client] = self._client_binding
        if function.wants_context:
            arguments["context"] = InvocationContext(function)
        seconds = None if self._timeout is None else self._timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds) as limit:
                if function.is_async:
                    return await function.call(**arguments)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, lambda: function.call(**arguments))
        except TimeoutError:
            if not limit.expired():
                raise
            raise TimedOut(
                f"Timeout value of {self._timeout} was exceeded by function: "
                f"Functions.{function.name}"
            ) from None

    async def activity(self, function: Function, input_text: str | None) -> str:
        """Call an activity with JSON text and return JSON text."""
        datum = Datum(type="json", value="null" if input_text is None else input_text)
        value = converters.ActivityTriggerConverter.decode(datum, trigger_metadata={})
        result = await self.call(function, value)
        encoded = converters.ActivityTriggerConverter.encode(result, expected_type=None)
        return str(encoded.value)

    def close(self) -> None:
        """Let idle threads end."""
        self._threads.shutdown()


def _thread_count() -> int:
    text = os.environ.get(_THREADS, "")
    if text.isdecimal() and int(text) > 0:
        return int(text)
    return min(32, (os.cpu_count() or 1) + 4)
