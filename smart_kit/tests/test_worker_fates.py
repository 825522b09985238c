"""What a worker does with a message, says of it and counts, however its handler ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import redis.asyncio
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Outcome, Superseded, Worker, worker
from smart_kit.metrics import HANDLING_SECONDS, MESSAGES
from smart_kit.tests.scripted_mailbox import LONG, ScriptedMailbox, delivery

pytestmark = pytest.mark.clock("virtual")

QUEUE = "queue:scripted"
ANSWER = Outcome(record="an answer")
APOLOGY = Outcome(record="an apology")
HANDLED_SECONDS = 3.0
OUTCOMES = ("done", "delayed", "dead", "superseded")


@dataclass(frozen=True)
class Fate:
    """Of a message."""

    attempt: int
    error: Exception | None
    """Of its handler."""
    done: tuple[str, Any]
    """With the mailbox."""
    counted_as: str
    said: dict[str, Any] | None = None
    finish: Exception | None = None


def delayed(seconds: float, *, is_counted: bool = False) -> tuple[str, Any]:
    return "delay", (seconds, is_counted)


def dead(reason: str, attempts: int, outcome: Outcome = APOLOGY) -> tuple[str, Any]:
    return "finish", (outcome, ("queue:scripted", "chat", "text", reason, attempts))


def says(level: str, event: str, **fields: Any) -> dict[str, Any]:
    return {"log_level": level, "event": event, **fields}


def buried(reason: str, attempts: int) -> dict[str, Any]:
    return says("error", "message is dead", reason=reason, attempts=attempts)


POISON = ValueError("poison")
FATES = {
    "handled": Fate(1, None, ("finish", (ANSWER, None)), "done"),
    "has to wait": Fate(
        1,
        RetryMessage(7.5, "too many"),
        delayed(7.5),
        "delayed",
        says("info", "message waits", seconds=7.5, reason="too many"),
    ),
    "can never be handled": Fate(
        2, RejectMessage("empty"), dead("empty", 2), "dead", buried("empty", 2)
    ),
    **{
        f"fails, attempt {attempt}": Fate(
            attempt,
            POISON,
            delayed(seconds, is_counted=True),
            "delayed",
            says("error", "message failed", attempt=attempt, exc_info=True),
        )
        for attempt, seconds in ((1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0))
    },
    "fails for the last time": Fate(
        5, POISON, dead("ValueError: poison", 5), "dead", buried("ValueError: poison", 5)
    ),
    "has killed five workers": Fate(
        6,
        None,
        dead("Given up after 5 attempts.", 5),
        "dead",
        buried("Given up after 5 attempts.", 5),
    ),
    "Redis went away": Fate(
        3,
        RedisConnectionError("refused"),
        delayed(0.5),
        "delayed",
        says("warning", "redis went away during a message", reason="refused"),
    ),
    "lost, by its handler": Fate(
        1,
        Superseded(),
        ("nothing", None),
        "superseded",
        says("info", "another worker has the message", conversation="chat"),
    ),
    "lost, at its end": Fate(
        1,
        None,
        ("finish", (ANSWER, None)),
        "superseded",
        says("info", "another worker has the message", conversation="chat"),
        finish=Superseded(),
    ),
}


@pytest.fixture(autouse=True)
async def _the_workers_clock_is_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker, "time", clock)


@pytest.fixture
def counts() -> Callable[[], Any]:
    before = {name: MESSAGES.labels(QUEUE, name)._value.get() for name in OUTCOMES}
    seconds = HANDLING_SECONDS.labels(QUEUE)._sum.get()

    def since() -> tuple[dict[str, float], float]:
        now = {name: MESSAGES.labels(QUEUE, name)._value.get() for name in OUTCOMES}
        more = {name: count - before[name] for name, count in now.items() if count != before[name]}
        return more, HANDLING_SECONDS.labels(QUEUE)._sum.get() - seconds

    return since


def what_was_done(mailbox: ScriptedMailbox, message: Delivery) -> tuple[str, Any]:
    ends = [(name, what) for _, name, what in mailbox.asked if name in ("finish", "delay")]
    if not ends:
        return "nothing", None
    ((name, (whose, *rest)),) = ends
    assert whose == message
    if name == "finish" and rest[1] is not None:
        letter = rest[1]
        rest[1] = (
            letter.queue,
            letter.conversation,
            letter.payload,
            letter.reason,
            letter.attempts,
        )
    return name, tuple(rest)


async def work(
    mailbox: ScriptedMailbox, message: Delivery, error: Exception | None, speechless: bool = False
) -> list[Delivery]:
    """Have the message handled; returns what the handler was given."""
    given: list[Delivery] = []

    async def handler(one: Delivery) -> Outcome:
        given.append(one)
        await asyncio.sleep(HANDLED_SECONDS)
        if error is not None:
            raise error
        return ANSWER

    async def apology(one: Delivery) -> Outcome:
        assert one == message
        if speechless:
            raise RuntimeError("no words")
        return APOLOGY

    stop = asyncio.Event()
    mailbox.arriving.put_nowait(message)
    made = Worker(mailbox, redis.asyncio.Redis(), handler, apology)
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(2 * HANDLED_SECONDS)
    stop.set()
    async with asyncio.timeout(LONG):
        await running
    return given


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
async def test_the_fate_of_a_message_is_done_counted_and_told(fate: Fate, counts: Any) -> None:
    mailbox = ScriptedMailbox(finish=[fate.finish] if fate.finish else [])
    message = delivery(attempt=fate.attempt)
    with structlog.testing.capture_logs() as lines:
        given = await work(mailbox, message, fate.error)

    assert given == ([] if fate.attempt > 5 else [message])
    assert what_was_done(mailbox, message) == fate.done
    took = HANDLED_SECONDS if given else 0.0
    assert counts() == ({fate.counted_as: 1}, pytest.approx(took, abs=0.1))
    assert lines[-1:] == ([fate.said] if fate.said else [])


async def test_a_letter_is_buried_even_where_no_apology_can_be_made() -> None:
    mailbox, message = ScriptedMailbox(), delivery()
    with structlog.testing.capture_logs() as lines:
        await work(mailbox, message, RejectMessage("empty"), speechless=True)

    assert what_was_done(mailbox, message) == dead("empty", 1, Outcome())
    assert lines[-1] == says("error", "no apology could be made", exc_info=True)


@pytest.mark.parametrize("operation", ["begin", "finish"])
async def test_what_redis_refuses_ends_the_attempt_and_nothing_else(
    operation: str, counts: Any
) -> None:
    mailbox = ScriptedMailbox(**{operation: [RuntimeError("refused")]})
    other = delivery("other")
    mailbox.arriving.put_nowait(delivery())
    with structlog.testing.capture_logs() as lines:
        given = await work(mailbox, other, None)

    assert given[-1] == other
    assert counts()[0] == {"done": 1}
    assert lines == [
        says(
            "error",
            "message could not be taken or ended",
            conversation="chat",
            exc_info=True,
        )
    ]


@pytest.mark.parametrize("operation", ["begin", "finish", "delay"])
async def test_an_end_waits_for_redis_and_says_so_once(operation: str, counts: Any) -> None:
    away = [RedisConnectionError("refused") for _ in range(3)]
    mailbox, message = ScriptedMailbox(**{operation: away}), delivery()
    error = RetryMessage(1) if operation == "delay" else None
    with structlog.testing.capture_logs() as lines:
        await work(mailbox, message, error)

    assert counts()[0] == {"delayed" if error else "done": 1}
    first, *rest = mailbox.times(operation)
    assert [round(at - first, 1) for at in rest] == [0.5, 1.0, 1.5]
    assert [line for line in lines if line["log_level"] == "warning"] == [
        says("warning", "redis is away", reason="refused")
    ]


async def test_an_entry_that_is_out_of_date_is_nobodys_message(counts: Any) -> None:
    class OutOfDate(ScriptedMailbox):
        async def begin(self, entry: Any) -> None:
            await super().begin(replace(entry, conversation="another"))

    mailbox = OutOfDate()
    assert await work(mailbox, delivery(), None) == []
    assert counts() == ({}, 0)
