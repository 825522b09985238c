"""Server-sent events as model servers send them: one JSON object each, with or without [DONE]."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from smart_kit.contracts.base import JsonObject

MAX_RESPONSE_BYTES = 32 * 2**20
"""Longest response accepted."""
MAX_ERROR_BYTES = 64_000
"""How much of an error response is read; code and message stand at its beginning."""
DRAIN_TIMEOUT_SECONDS = 0.2
"""Longest wait for the end of a stream; only a fully read connection can be reused."""


async def iter_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[JsonObject]:
    """Yield the events until [DONE] or the end; comments and other fields are skipped.

    Raises ValueError for invalid JSON or a response that is too long.
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
    """Read the rest of a response after its last event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            async for _ in chunks:
                pass


async def limit_bytes(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks. Raises ValueError where the response exceeds MAX_RESPONSE_BYTES."""
    length = 0
    async for chunk in chunks:
        length += len(chunk)
        if length > MAX_RESPONSE_BYTES:
            raise ValueError("The response is too long.")
        yield chunk


async def read_head(chunks: AsyncIterator[bytes]) -> bytes:
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
    text = data.decode(errors="replace")
    return json.loads(text, parse_constant=_parse_number, parse_float=_parse_number)


def _parse_number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


async def _iter_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines: model servers send each event as one line of data."""
    pending: list[bytes] = []
    async for chunk in limit_bytes(chunks):
        first, *more = chunk.split(b"\n")
        pending.append(first)
        if not more:
            continue  # a line is joined only once, so that long lines take linear time
        yield b"".join(pending)
        for line in more[:-1]:
            yield line
        pending = more[-1:]
    if any(pending):
        yield b"".join(pending)
