"""Proves that code calls several methods at the same time."""

import asyncio
from typing import Any

import pytest


def require_concurrent_calls(
    monkeypatch: pytest.MonkeyPatch, *methods: tuple[type[object], str]
) -> None:
    """Let each call of these coroutine methods begin only when the others are called, too.

    Code that calls them one after the other does not end.
    """
    barrier = asyncio.Barrier(len(methods))

    def make_waiting(method: Any) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            await barrier.wait()
            return await method(*args, **options)

        return call

    for owner, name in methods:
        monkeypatch.setattr(owner, name, make_waiting(getattr(owner, name)))
