"""Queue triggers: a function per message, at least once, as the Functions host does it.

A message is hidden while its function runs, and deleted only after it succeeded. When the
process dies, or the function fails, the message shows up again; after ``maxDequeueCount``
times it goes to the queue ``<name>-poison`` (Microsoft Learn, "Azure Queue storage trigger
for Azure Functions"). Two differences: a message is hidden for one minute at a time and
not for ten, so that a killed host loses less time; and each function polls by itself.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
from datetime import timedelta
from typing import Any

from localhost.functions import QueueFunction
from localhost.invoke import Invoker
from localhost.settings import QueueOptions
from localhost.storage import Patience

log = logging.getLogger(__name__)

_HIDDEN_SECONDS = 60
_RENEW_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.1
_POISON = "-poison"


class Queues:
    """Runs the queue functions of an app until stopped."""

    def __init__(
        self, functions: list[QueueFunction], invoker: Invoker, options: QueueOptions
    ) -> None:
        self._listeners = [_Listener(one, invoker, options) for one in functions]

    def start(self) -> None:
        """Begin to listen."""
        for listener in self._listeners:
            listener.start()

    async def stop(self, timeout_seconds: float) -> None:
        """Take no more messages, wait for those under way, and give the rest back."""
        await asyncio.gather(*(one.stop(timeout_seconds) for one in self._listeners))


class _Listener:
    def __init__(self, function: QueueFunction, invoker: Invoker, options: QueueOptions) -> None:
        self._function = function
        self._invoker = invoker
        self._options = options
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        self._loop = asyncio.create_task(self._listen())

    async def stop(self, timeout_seconds: float) -> None:
        self._stopping = True
        self._changed.set()
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout_seconds)
        for task in (*self._running, *([self._loop] if self._loop else [])):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            if self._loop is not None:
                await self._loop

    async def _listen(self) -> None:
        from azure.storage.queue.aio import QueueClient

        name, address = self._function.queue, self._function.connection_string
        patience = Patience(f"queue {name!r}")
        async with (
            QueueClient.from_connection_string(address, name, **_CLIENT) as queue,
            QueueClient.from_connection_string(address, name + _POISON, **_CLIENT) as poison,
        ):
            while await patience.ask(lambda: _made(queue)) is None:
                pass
            pause = _FIRST_PAUSE_SECONDS
            while not self._stopping:
                if len(self._running) > self._options.new_batch_threshold:
                    await self._until_something_ends()
                    continue
                messages = await patience.ask(lambda: _received(queue, self._options.batch_size))
                for message in messages or ():
                    task = asyncio.create_task(self._handle(message, queue, poison))
                    self._running.add(task)
                    task.add_done_callback(self._ended)
                if messages:
                    pause = _FIRST_PAUSE_SECONDS
                    continue
                await self._idle(pause)
                pause = min(2 * pause, self._options.max_polling_interval.total_seconds())
            if self._running:  # they need the connection to the end
                await asyncio.wait(set(self._running))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._changed.set()

    async def _until_something_ends(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _idle(self, seconds: float) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._stopping:
                    await self._changed.wait()
                    self._changed.clear()

    async def _handle(self, message: Any, queue: Any, poison: Any) -> None:
        """Run the function on one message, then delete, give back or put aside."""
        name, receipt = self._function.function.name, _Receipt(message)
        renewing = asyncio.create_task(_renew(receipt, queue))
        try:
            try:
                value = self._value(message)
                await self._invoker.call(self._function.function, value)
            except Exception as error:
                log.exception("queue function %r failed on message %s", name, message.id)
                last = isinstance(error, _Undecodable) or (
                    message.dequeue_count >= self._options.max_dequeue_count
                )
                if last:
                    await _put_aside(message, poison)
                    log.warning("message %s is in %r now", message.id, poison.queue_name)
                else:
                    await receipt.hide(queue, self._options.visibility_timeout)
                    return
            await receipt.delete(queue)
        except Exception:
            # It shows up again by itself, and its function runs once more.
            log.exception("message %s of %r could not be settled", message.id, name)
        finally:
            renewing.cancel()

    def _value(self, message: Any) -> object:
        from azure.functions.queue import QueueMessage

        return QueueMessage(  # type: ignore[no-untyped-call]
            id=message.id,
            body=_decoded(message.content) if self._options.base64 else message.content.encode(),
            dequeue_count=message.dequeue_count,
            expiration_time=message.expires_on,
            insertion_time=message.inserted_on,
            time_next_visible=message.next_visible_on,
            pop_receipt=message.pop_receipt,
        )


# The SDK's own second try comes after a quarter of a minute; ours comes sooner, and is told.
_CLIENT: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": 5,
    "read_timeout": 30,
    "logging_enable": False,
}


class _Undecodable(Exception):
    """The message is no base64."""


class _Receipt:
    """The right to change a hidden message; renewing it makes the old one worthless."""

    def __init__(self, message: Any) -> None:
        self._id = message.id
        self._pop = message.pop_receipt
        self._lock = asyncio.Lock()

    async def hide(self, queue: Any, span: timedelta) -> None:
        async with self._lock:
            seconds = int(span.total_seconds())
            changed = await queue.update_message(self._id, self._pop, visibility_timeout=seconds)
            self._pop = changed.pop_receipt

    async def delete(self, queue: Any) -> None:
        async with self._lock:
            await queue.delete_message(self._id, self._pop)


async def _made(queue: Any) -> bool:
    from azure.core.exceptions import ResourceExistsError

    with contextlib.suppress(ResourceExistsError):
        await queue.create_queue()
    return True


async def _received(queue: Any, count: int) -> list[Any]:
    found = queue.receive_messages(
        messages_per_page=count, max_messages=count, visibility_timeout=_HIDDEN_SECONDS
    )
    return [message async for message in found]


async def _renew(receipt: _Receipt, queue: Any) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        try:
            await receipt.hide(queue, timedelta(seconds=_HIDDEN_SECONDS))
        except Exception as error:  # noqa: BLE001  it may run twice then, which it must stand
            log.warning("a message could not be kept hidden: %s", error)


async def _put_aside(message: Any, poison: Any) -> None:
    await _made(poison)
    await poison.send_message(message.content, time_to_live=-1)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Undecodable(
            "the message is no base64; set extensions.queues.messageEncoding to 'none' in "
            "host.json if senders do not encode"
        ) from error
