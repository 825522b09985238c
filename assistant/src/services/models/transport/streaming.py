"""Follows a streamed answer to its end, and shows it as it grows."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import aiohttp
import httpx2
from openai import APIError

from smart_kit.contracts.base import JsonObject

from ....core.errors import StreamInterrupted
from ..response_parsing import repair_surrogates_in_text
from .sse import drain, iter_events

CONNECTION_OR_JSON_ERRORS = (
    APIError,
    aiohttp.ClientError,
    httpx2.HTTPError,
    ValueError,
    RecursionError,
)
"""Of a connection, or of JSON."""
TRAILING_TIMEOUT_SECONDS = 1.0
"""What comes after a whole answer, its usage, is waited for so long: some never close a stream."""


class StreamListener(Protocol):
    """Whom a growing answer is shown to."""

    @property
    def is_due(self) -> bool:
        """Whether it wants to hear the text now."""

    async def on_text(self, text: str) -> None:
        """The text so far, without halves of characters."""


class StreamAccumulator(Protocol):
    """Puts the events of a stream together to the answer as it would have come whole."""

    has_started: bool
    """Whether anything of an answer came."""

    @property
    def text(self) -> str:
        """So far."""

    @property
    def is_complete(self) -> bool:
        """Whether what came is a whole answer, though more may come."""

    def add(self, event: JsonObject) -> None:
        """Raises UpstreamError for the error that an event is."""

    def build_response(self) -> JsonObject:
        """The whole answer."""


async def read_stream(
    chunks: AsyncIterator[bytes], accumulator: StreamAccumulator, listener: StreamListener | None
) -> JsonObject:
    """The answer. Raises CutOff where the stream breaks or ends too soon."""
    timeout = asyncio.timeout(None)
    try:
        async with timeout, contextlib.aclosing(iter_events(chunks)) as stream_events:
            while await _read_event(stream_events, accumulator):
                if accumulator.is_complete and timeout.when() is None:
                    timeout.reschedule(asyncio.get_running_loop().time() + TRAILING_TIMEOUT_SECONDS)
                if listener is not None and listener.is_due:
                    await listener.on_text(repair_surrogates_in_text(accumulator.text))
            with contextlib.suppress(*CONNECTION_OR_JSON_ERRORS):
                await drain(chunks)
    except TimeoutError:
        if not timeout.expired():
            raise
    if not accumulator.is_complete:
        raise StreamInterrupted(has_started=accumulator.has_started)
    return accumulator.build_response()


async def _read_event(
    stream_events: AsyncGenerator[JsonObject], accumulator: StreamAccumulator
) -> bool:
    """Whether there was another event."""
    try:
        event = await anext(stream_events, None)
        if event is not None:
            accumulator.add(event)
    except CONNECTION_OR_JSON_ERRORS as error:
        if accumulator.is_complete:
            return False
        reason = f"The stream broke: {type(error).__name__}"
        raise StreamInterrupted(reason, has_started=accumulator.has_started) from error
    return event is not None
