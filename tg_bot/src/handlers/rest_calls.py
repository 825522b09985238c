"""What handlers that answer at once have in common: calls to rest_service in limited time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

import structlog

from smart_kit.contracts.queue import Notice
from smart_kit.errors import DomainError, UpstreamError

from .incoming import HandlerServices, IncomingUpdate

REST_TIMEOUT_SECONDS = 3.0
"""How long a handler waits for rest_service: the chat's next messages wait for the handler."""

T = TypeVar("T")

log = structlog.stdlib.get_logger()


async def call_rest(calls: Awaitable[T]) -> T | None:
    """Return the result of calls to rest_service; None if they fail or take too long."""
    try:
        async with asyncio.timeout(REST_TIMEOUT_SECONDS):
            return await calls
    except (TimeoutError, DomainError, UpstreamError) as error:
        log.warning("rest_service call failed", reason=str(error) or type(error).__name__)
        return None


async def get_user_id(services: HandlerServices, incoming: IncomingUpdate) -> UUID:
    """Return the sender's id in rest_service, which creates a new user."""
    if incoming.user is not None:
        return incoming.user.id
    user, _ = await services.rest.get_or_create_user(incoming.sender)
    return user.id


async def answer_by_rest(incoming: IncomingUpdate, answer: Awaitable[Notice]) -> Notice:
    """Return an answer that needs rest_service, or an apology."""
    return await call_rest(answer) or incoming.build_notice("try_again_later")
