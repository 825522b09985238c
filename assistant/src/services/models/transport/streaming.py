"""Reads a streamed answer to its end and reports its growing text."""

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
"""Errors of the connection or of JSON parsing."""
TRAILING_TIMEOUT_SECONDS = 1.0
"""Wait for the usage after a complete answer; some servers never close the stream."""


class StreamListener(Protocol):
    """Receives the growing text of an answer."""

    @property
    def is_due(self) -> bool:
        """Whether it wants the text now."""

    async def on_text(self, text: str) -> None:
        """Receive the text so far, which is valid Unicode."""


class StreamAccumulator(Protocol):
    """Accumulates the events of a stream into the response as it would be without streaming."""

    has_started: bool
    """Whether a part of an answer has arrived."""

    @property
    def text(self) -> str:
        """The text so far."""

    @property
    def is_complete(self) -> bool:
        """Whether the answer is complete, though further events may follow."""

    def add(self, event: JsonObject) -> None:
        """Add an event. Raises UpstreamError where it is an error."""

    def build_response(self) -> JsonObject:
        """Return the whole response."""


async def read_stream(
    chunks: AsyncIterator[bytes], accumulator: StreamAccumulator, listener: StreamListener | None
) -> JsonObject:
    """Return the response. Raises StreamInterrupted where the stream breaks or ends too soon."""
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
    """Add the next event; return False at the end of the stream."""
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
