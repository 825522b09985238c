"""The dead letters of a mailbox, for an administrator to read, replay and drop."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError
from redis.commands.core import AsyncScript

from smart_kit.errors import InvalidRequest
from smart_kit.mailbox.letters import DeadLetter
from smart_kit.mailbox.mailbox import source_of
from smart_kit.redis import Redis, answer

Place = tuple[int, int]
"""Of a stream's entry: milliseconds and a number; later letters have higher ones."""


def _entry(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


@dataclass(frozen=True)
class Grave:
    """A dead letter and its place."""

    place: Place
    letter: DeadLetter


class Graveyard:
    """The dead letters of one queue."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._stream = f"{queue}:dead"
        self._replay = AsyncScript(redis, source_of("replay"))

    async def count(self) -> int:
        """How many there are."""
        return int(await answer(self._redis.xlen(self._stream)))

    async def newest(self, most: int) -> list[Grave]:
        """At most so many, the newest first."""
        entries = await answer(self._redis.xrevrange(self._stream, count=most))
        return [self._grave(entry, fields) for entry, fields in entries]

    async def find(self, place: Place) -> Grave | None:
        """The one at that place."""
        name = _entry(place)
        entries = await answer(self._redis.xrange(self._stream, name, name))
        return self._grave(*entries[0]) if entries else None

    async def replay(self, grave: Grave) -> bool:
        """Have it handled once more, after what waits in its conversation; False: it is gone.

        Raises InvalidRequest for what never was a message, e.g. an update that could not be read.
        """
        conversation = grave.letter.conversation
        if not conversation:
            raise InvalidRequest("It never was a message of the queue: it can only be dropped.")
        waiting = f"{self._queue}:waiting:{conversation}"
        return bool(
            await self._replay(
                keys=[self._queue, f"{self._queue}:active", waiting, self._stream],
                args=[_entry(grave.place), conversation, grave.letter.payload],
            )
        )

    async def drop(self, place: Place) -> bool:
        """Forget it; False: it is gone already."""
        return bool(await answer(self._redis.xdel(self._stream, _entry(place))))

    def _grave(self, entry: str, fields: dict[str, str]) -> Grave:
        milliseconds, _, number = entry.partition("-")
        place = (int(milliseconds), int(number))
        written = fields.get("letter", "")
        try:
            return Grave(place, DeadLetter.model_validate_json(written))
        except ValidationError:  # by another version, or by hand: still to be seen
            return Grave(place, self._unreadable(written, place))

    def _unreadable(self, written: str, place: Place) -> DeadLetter:
        return DeadLetter(
            queue=self._queue,
            conversation="",
            payload=written,
            reason="the letter itself cannot be read",
            attempts=0,
            died_at=datetime.fromtimestamp(place[0] / 1000, UTC),
        )
