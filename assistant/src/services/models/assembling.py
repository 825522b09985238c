"""Follows a streamed answer to its end, and shows it as it grows."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import aiohttp
import httpx2
from openai import APIError

from smart_kit.contracts.base import JsonObject

from ...core.errors import CutOff
from .events import drain, events
from .reading import sound_text

BROKEN = (APIError, aiohttp.ClientError, httpx2.HTTPError, ValueError, RecursionError)
"""Of a connection, or of JSON."""
REST_SECONDS = 1.0
"""What comes after a whole answer, its usage, is waited for so long: some never close a stream."""


class Listener(Protocol):
    """Whom a growing answer is shown to."""

    @property
    def is_due(self) -> bool:
        """Whether it wants to hear the text now."""

    async def text_grows(self, text: str) -> None:
        """The text so far, without halves of characters."""


class Assembly(Protocol):
    """Puts the events of a stream together to the answer as it would have come whole."""

    has_begun: bool
    """Whether anything of an answer came."""

    @property
    def text(self) -> str:
        """So far."""

    @property
    def is_complete(self) -> bool:
        """Whether what came is a whole answer, though more may come."""

    def add(self, event: JsonObject) -> None:
        """Raises UpstreamError for the error that an event is."""

    def body(self) -> JsonObject:
        """The whole answer."""


async def assembled(
    chunks: AsyncIterator[bytes], assembly: Assembly, listener: Listener | None
) -> JsonObject:
    """The answer. Raises CutOff where the stream breaks or ends too soon."""
    patience = asyncio.timeout(None)
    try:
        async with patience, contextlib.aclosing(events(chunks)) as coming:
            while await _grows(coming, assembly):
                if assembly.is_complete and patience.when() is None:
                    patience.reschedule(asyncio.get_running_loop().time() + REST_SECONDS)
                if listener is not None and listener.is_due:
                    await listener.text_grows(sound_text(assembly.text))
            with contextlib.suppress(*BROKEN):
                await drain(chunks)
    except TimeoutError:
        if not patience.expired():
            raise
    if not assembly.is_complete:
        raise CutOff(has_begun=assembly.has_begun)
    return assembly.body()


async def _grows(coming: AsyncGenerator[JsonObject], assembly: Assembly) -> bool:
    """Whether there was another event."""
    try:
        event = await anext(coming, None)
        if event is not None:
            assembly.add(event)
    except BROKEN as error:
        if assembly.is_complete:
            return False
        reason = f"The stream broke: {type(error).__name__}"
        raise CutOff(reason, has_begun=assembly.has_begun) from error
    return event is not None
