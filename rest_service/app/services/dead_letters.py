"""The dead letters of both queues: messages that could not be processed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from pydantic import Field

from smart_kit.contracts.base import Page
from smart_kit.contracts.dead_letters import DeadLetterContentRead, DeadLetterRead, QueueName
from smart_kit.errors import Conflict
from smart_kit.mailbox.dead_letter_queue import DeadLetterEntry, DeadLetterQueue, EntryId

from ..pagination import PageQuery, build_page
from .records.crud import not_found_error

NOUN = "dead letter"
MAX_OFFSET = 10_000
"""Limits the offset, because the letters before it are read too."""

DeadLetterQueues = Mapping[QueueName, DeadLetterQueue]
AuditAhead = Callable[[], Awaitable[None]]
"""Records a write in the audit log before it is made. If it raises, the write is not made."""


class DeadLetterQuery(PageQuery):
    queue: QueueName | None = None
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


async def read_page(queues: DeadLetterQueues, query: DeadLetterQuery) -> Page[DeadLetterRead]:
    """Return dead letters, newest first."""
    chosen = [name for name in queues if query.queue in (None, name)]
    end = query.offset + query.limit
    counts = await asyncio.gather(*(queues[name].count() for name in chosen))
    lists = await asyncio.gather(*(queues[name].list_newest(end) for name in chosen))
    queued = zip(chosen, lists, strict=True)
    entries = [(name, entry) for name, newest in queued for entry in newest]
    entries.sort(key=lambda entry: (entry[1].entry_id, entry[0]), reverse=True)
    items = [DeadLetterRead(**_to_fields(*entry)) for entry in entries[query.offset : end]]
    return build_page(items, sum(counts), query)


async def read(queues: DeadLetterQueues, dead_letter_id: str) -> DeadLetterContentRead:
    """Return a dead letter. Raises NotFound."""
    queue, found = await _find(queues, dead_letter_id)
    return DeadLetterContentRead(**_to_fields(queue, found), payload=found.dead_letter.payload)


async def replay(queues: DeadLetterQueues, dead_letter_id: str, audit_ahead: AuditAhead) -> None:
    """Put a dead letter back into its queue. Raises NotFound, InvalidRequest for no message."""
    queue, found = await _find(queues, dead_letter_id)
    await audit_ahead()
    if not await queues[queue].replay(found):
        raise Conflict("Another request has just replayed or deleted this dead letter.")


async def delete(queues: DeadLetterQueues, dead_letter_id: str, audit_ahead: AuditAhead) -> None:
    """Delete a dead letter. Raises NotFound."""
    queue, found = await _find(queues, dead_letter_id)
    await audit_ahead()
    if not await queues[queue].delete(found.entry_id):
        raise not_found_error(NOUN, dead_letter_id)


async def _find(queues: DeadLetterQueues, dead_letter_id: str) -> tuple[QueueName, DeadLetterEntry]:
    queue, place = _parse_id(dead_letter_id)
    found = await queues[queue].find(place)
    if found is None:
        raise not_found_error(NOUN, dead_letter_id)
    return queue, found


def _parse_id(dead_letter_id: str) -> tuple[QueueName, EntryId]:
    queue, _, place = dead_letter_id.partition(":")
    milliseconds, _, number = place.partition("-")
    name: QueueName = "to_secretary" if queue == "to_secretary" else "to_telegram"
    return name, (int(milliseconds), int(number))


def _to_fields(queue: QueueName, entry: DeadLetterEntry) -> dict[str, object]:
    milliseconds, number = entry.entry_id
    fields = entry.dead_letter.model_dump(exclude={"payload"})
    return fields | {"id": f"{queue}:{milliseconds}-{number}", "queue": queue}
