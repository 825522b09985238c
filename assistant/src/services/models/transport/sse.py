"""Server-sent events, as far as models send them: one JSON object each, ended by [DONE] or not."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from smart_kit.contracts.base import JsonObject

MAX_RESPONSE_BYTES = 32 * 2**20
"""No answer is longer."""
MAX_ERROR_BYTES = 64_000
"""What is looked at of an error: its code and its words stand at its beginning."""
DRAIN_TIMEOUT_SECONDS = 0.2
"""A connection whose answer was read to its end can be used again; it is not waited for long."""


async def iter_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[JsonObject]:
    """The events until [DONE] or the end; comments and other fields are skipped.

    Raises ValueError for what is no JSON, or too long.
    """
    async for line in _iter_lines(chunks):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        event = parse_json(data) if data else None
        if isinstance(event, dict):
            yield event


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what comes after the last event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            async for _ in chunks:
                pass


async def limit_bytes(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Raises ValueError where there is more than any answer has."""
    length = 0
    async for chunk in chunks:
        length += len(chunk)
        if length > MAX_RESPONSE_BYTES:
            raise ValueError("The answer does not end.")
        yield chunk


async def read_head(chunks: AsyncIterator[bytes]) -> bytes:
    """What an error says, as far as it is looked at."""
    read = b""
    async for chunk in chunks:
        read += chunk[:MAX_ERROR_BYTES]
        if len(read) >= MAX_ERROR_BYTES:
            break
    return read[:MAX_ERROR_BYTES]


def parse_json(data: bytes) -> Any:
    """With null for what Python takes for a number and JSON does not: nobody else would read it.

    Raises ValueError where it is none.
    """
    text = data.decode(errors="replace")
    return json.loads(text, parse_constant=_parse_number, parse_float=_parse_number)


def _parse_number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


async def _iter_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Each by itself: every event that models send is one line of data."""
    pending: list[bytes] = []
    async for chunk in limit_bytes(chunks):
        first, *more = chunk.split(b"\n")
        pending.append(first)
        if not more:
            continue  # joined once, however long the line gets
        yield b"".join(pending)
        for line in more[:-1]:
            yield line
        pending = more[-1:]
    if any(pending):
        yield b"".join(pending)
