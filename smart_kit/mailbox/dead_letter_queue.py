"""The dead letters of a queue, which an administrator can read, replay and delete."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError
from redis.commands.core import AsyncScript

from smart_kit.errors import InvalidRequest
from smart_kit.mailbox.keys import DEAD_LETTER_FIELD, QueueKeys
from smart_kit.mailbox.mailbox import read_script
from smart_kit.mailbox.messages import DeadLetter
from smart_kit.redis import Redis, await_result

EntryId = tuple[int, int]
"""The id of a stream entry: milliseconds and a sequence number."""


def _format_entry_id(entry_id: EntryId) -> str:
    return f"{entry_id[0]}-{entry_id[1]}"


@dataclass(frozen=True)
class DeadLetterEntry:
    """A dead letter and its id in the stream."""

    entry_id: EntryId
    dead_letter: DeadLetter


class DeadLetterQueue:
    """The dead letters of one queue."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._keys = QueueKeys(queue)
        self._replay_script = AsyncScript(redis, read_script("replay"))

    async def add(self, *dead_letters: DeadLetter) -> None:
        """Add them durably in one round trip, all or none."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for dead_letter in dead_letters:
                pipeline.xadd(self._keys.dead, {DEAD_LETTER_FIELD: dead_letter.model_dump_json()})
            await pipeline.execute()

    async def count(self) -> int:
        """Return the number of dead letters."""
        return int(await await_result(self._redis.xlen(self._keys.dead)))

    async def list_newest(self, limit: int) -> list[DeadLetterEntry]:
        """Return at most `limit` dead letters, newest first."""
        entries = await await_result(self._redis.xrevrange(self._keys.dead, count=limit))
        return [self._parse_entry(entry, fields) for entry, fields in entries]

    async def find(self, entry_id: EntryId) -> DeadLetterEntry | None:
        """Return the dead letter with this id, or None."""
        raw_id = _format_entry_id(entry_id)
        entries = await await_result(self._redis.xrange(self._keys.dead, raw_id, raw_id))
        return self._parse_entry(*entries[0]) if entries else None

    async def replay(self, entry: DeadLetterEntry) -> bool:
        """Enqueue the message again, at the end of its conversation. Return False if it is gone.

        Raises InvalidRequest for what never was a queue message, e.g. a malformed Telegram update.
        """
        conversation, keys = entry.dead_letter.conversation, self._keys
        if not conversation:
            raise InvalidRequest("It never was a message of the queue, so it can only be deleted.")
        has_replayed = await self._replay_script(
            keys=[keys.stream, keys.active, keys.waiting(conversation), keys.dead],
            args=[_format_entry_id(entry.entry_id), conversation, entry.dead_letter.payload],
        )
        return bool(has_replayed)

    async def delete(self, entry_id: EntryId) -> bool:
        """Delete a dead letter. Return False if it is gone already."""
        deletion = self._redis.xdel(self._keys.dead, _format_entry_id(entry_id))
        return bool(await await_result(deletion))

    def _parse_entry(self, raw_id: str, fields: dict[str, str]) -> DeadLetterEntry:
        milliseconds, _, number = raw_id.partition("-")
        entry_id = (int(milliseconds), int(number))
        raw = fields.get(DEAD_LETTER_FIELD, "")
        try:
            dead_letter = DeadLetter.model_validate_json(raw)
        except ValidationError:  # written by another version or by hand; it is still shown
            dead_letter = DeadLetter(
                queue=self._queue,
                conversation="",
                payload=raw,
                reason="the dead letter itself cannot be parsed",
                attempts=0,
                failed_at=datetime.fromtimestamp(entry_id[0] / 1000, UTC),
            )
        return DeadLetterEntry(entry_id, dead_letter)
