"""Reads responses; a streamed answer to its end, with reports of its growing text.

Model servers send server-sent events of one JSON object each, with or without [DONE].
"""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from typing import Any, Protocol

import aiohttp

from smart_kit.contracts.base import JsonObject

from ....core.errors import StreamInterrupted
from ..response_parsing import repair_surrogates_in_text

CONNECTION_OR_JSON_ERRORS = (
    aiohttp.ClientError,
    ConnectionError,
    EOFError,
    ValueError,
    RecursionError,
)
"""Errors of the connection or of JSON parsing."""
TRAILING_TIMEOUT_SECONDS = 1.0
"""Wait for the usage after a complete answer; some servers never close the stream."""
MAX_RESPONSE_BYTES = 32 * 2**20
"""Longest response accepted."""
MAX_ERROR_BYTES = 64_000
"""How much of an error response is read; code and message stand at its beginning."""
DRAIN_TIMEOUT_SECONDS = 0.2
"""Longest wait for the end of a stream; only a fully read connection can be reused."""
_DATA_PREFIX, _DONE = b"data:", b"[DONE]"


def _parse_number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


_DECODER = json.JSONDecoder(parse_constant=_parse_number, parse_float=_parse_number)
"""Built once, because an answer is parsed in many pieces."""


class StreamListener(Protocol):
    """Receives the growing text of an answer."""

    @property
    def is_due(self) -> bool:
        """Whether it wants the text now."""

    def on_text(self, text: str) -> None:
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
        """Add an event. Raises UpstreamError if it is an error."""

    def build_response(self) -> JsonObject:
        """Return the whole response."""


async def read_stream(
    chunks: AsyncIterator[bytes], accumulator: StreamAccumulator, listener: StreamListener | None
) -> JsonObject:
    """Return the response. Raises StreamInterrupted if the stream breaks or ends too soon."""
    timeout = asyncio.timeout(None)
    try:
        async with timeout, contextlib.aclosing(iter_events(chunks)) as stream_events:
            while await _read_event(stream_events, accumulator):
                if accumulator.is_complete and timeout.when() is None:
                    timeout.reschedule(asyncio.get_running_loop().time() + TRAILING_TIMEOUT_SECONDS)
                if listener is not None and listener.is_due:
                    listener.on_text(repair_surrogates_in_text(accumulator.text))
            with contextlib.suppress(*CONNECTION_OR_JSON_ERRORS):
                await _drain(chunks)
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


async def iter_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[JsonObject]:
    """Yield the events until [DONE] or the end; comments and other fields are skipped.

    Model servers send each event as one line of data. Raises ValueError for invalid JSON or a
    response that is too long.
    """
    pending: list[bytes] = []
    async for chunk in limit_bytes(chunks):
        *lines, rest = chunk.split(b"\n")
        if lines:  # a line is joined only once, so that long lines take linear time
            lines[0] = b"".join([*pending, lines[0]])
            pending.clear()
        pending.append(rest)
        for data in _select_data(lines):
            if data == _DONE:
                return
            if isinstance(event := parse_json(data), dict):
                yield event
    for data in _select_data([b"".join(pending)]):
        if data != _DONE and isinstance(event := parse_json(data), dict):
            yield event


def _select_data(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.startswith(_DATA_PREFIX) and (data := line[len(_DATA_PREFIX) :].strip()):
            yield data


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the rest of a response after its last event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            async for _ in chunks:
                pass


async def limit_bytes(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks. Raises ValueError if the response exceeds MAX_RESPONSE_BYTES."""
    length = 0
    async for chunk in chunks:
        length += len(chunk)
        if length > MAX_RESPONSE_BYTES:
            raise ValueError("The response is too long.")
        yield chunk


async def read_error_body(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the beginning of an error response."""
    read = b""
    async for chunk in chunks:
        read += chunk[:MAX_ERROR_BYTES]
        if len(read) >= MAX_ERROR_BYTES:
            break
    return read[:MAX_ERROR_BYTES]


def parse_json(data: bytes) -> Any:
    """Parse JSON; NaN and infinite numbers, which only Python accepts, become null.

    Raises ValueError for invalid JSON.
    """
    return _DECODER.decode(data.decode(errors="replace"))
