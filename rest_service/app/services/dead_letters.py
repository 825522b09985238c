"""Messages that nobody could handle, of both queues."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from pydantic import Field

from smart_kit.contracts.base import Page
from smart_kit.contracts.dead_letters import (
    DeadLetterContentRead,
    DeadLetterRead,
    QueueName,
)
from smart_kit.errors import Conflict
from smart_kit.mailbox.graveyard import Grave, Graveyard, Place

from ..pagination import Slice, page
from .rows import not_found

NOUN = "dead letter"
MAX_OFFSET = 10_000
"""The letters before it are read too; there should never be so many."""

Graveyards = Mapping[QueueName, Graveyard]
Begin = Callable[[], Awaitable[None]]
"""Notes durably that a letter is about to be taken; where it raises, the letter stays."""


class DeadLetterSlice(Slice):
    """Which letters are wanted."""

    queue: QueueName | None = None
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


async def read_page(graveyards: Graveyards, wanted: DeadLetterSlice) -> Page[DeadLetterRead]:
    """Letters, the newest first."""
    chosen = [name for name in graveyards if wanted.queue in (None, name)]
    most = wanted.offset + wanted.limit
    counts = await asyncio.gather(*(graveyards[name].count() for name in chosen))
    lists = await asyncio.gather(*(graveyards[name].newest(most) for name in chosen))
    graves = [
        (grave.place, name, grave)
        for name, newest in zip(chosen, lists, strict=True)
        for grave in newest
    ]
    graves.sort(key=lambda one: one[:2], reverse=True)
    items = [DeadLetterRead(**_fields(name, one)) for _, name, one in graves[wanted.offset : most]]
    return page(Page[DeadLetterRead], items, sum(counts), wanted)


async def read(graveyards: Graveyards, letter_id: str) -> DeadLetterContentRead:
    """Raises NotFound."""
    queue, found = await _find(graveyards, letter_id)
    return DeadLetterContentRead(**_fields(queue, found), payload=found.letter.payload)


async def replay(graveyards: Graveyards, letter_id: str, begin: Begin) -> None:
    """Have it handled once more. Raises NotFound, InvalidRequest for what never was a message."""
    queue, found = await _find(graveyards, letter_id)
    await begin()
    if not await graveyards[queue].replay(found):
        raise Conflict("Somebody else has just replayed or dropped it.")


async def drop(graveyards: Graveyards, letter_id: str, begin: Begin) -> None:
    """Forget it. Raises NotFound."""
    queue, found = await _find(graveyards, letter_id)
    await begin()
    if not await graveyards[queue].drop(found.place):
        raise not_found(NOUN, letter_id)


async def _find(graveyards: Graveyards, letter_id: str) -> tuple[QueueName, Grave]:
    queue, place = _parts(letter_id)
    found = await graveyards[queue].find(place)
    if found is None:
        raise not_found(NOUN, letter_id)
    return queue, found


def _parts(letter_id: str) -> tuple[QueueName, Place]:
    queue, _, place = letter_id.partition(":")
    milliseconds, _, number = place.partition("-")
    name: QueueName = "to_secretary" if queue == "to_secretary" else "to_telegram"
    return name, (int(milliseconds), int(number))


def _fields(queue: QueueName, grave: Grave) -> dict[str, object]:
    milliseconds, number = grave.place
    fields = grave.letter.model_dump(exclude={"payload"})
    return fields | {"id": f"{queue}:{milliseconds}-{number}", "queue": queue}
