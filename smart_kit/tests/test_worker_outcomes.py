"""What a worker does, logs and counts after each result of a handler."""

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
from smart_kit.mailbox import Delivery, LeaseLost, Outcome, Worker, worker
from smart_kit.metrics import HANDLING_SECONDS, PROCESSED_MESSAGES
from smart_kit.tests.scripted_mailbox import WORKER_TIMEOUT_SECONDS, ScriptedMailbox, make_delivery

pytestmark = pytest.mark.clock("virtual")

QUEUE = "queue:scripted"
HANDLER_OUTCOME = Outcome(archive_record="an answer")
DEAD_LETTER_OUTCOME = Outcome(archive_record="an apology")
HANDLED_SECONDS = 3.0
OUTCOMES = ("done", "delayed", "dead_lettered", "lease_lost")


@dataclass(frozen=True)
class OutcomeCase:
    """A message, the error of its handler, and the expected effects."""

    attempt: int
    error: Exception | None
    """Raised by the handler."""
    expected_operation: tuple[str, Any]
    """The last operation on the mailbox, with its arguments."""
    metric_label: str
    expected_log: dict[str, Any] | None = None
    finish_error: Exception | None = None


def delay_operation(seconds: float, *, is_counted: bool = False) -> tuple[str, Any]:
    return "delay", (seconds, is_counted)


def dead_letter_operation(
    reason: str, attempts: int, outcome: Outcome = DEAD_LETTER_OUTCOME
) -> tuple[str, Any]:
    return "finish", (outcome, ("queue:scripted", "chat", "text", reason, attempts))


def log_entry(level: str, event: str, **fields: Any) -> dict[str, Any]:
    return {"log_level": level, "event": event, **fields}


def dead_letter_log(reason: str, attempts: int) -> dict[str, Any]:
    return log_entry("error", "message dead-lettered", reason=reason, attempts=attempts)


POISON = ValueError("poison")
OUTCOME_CASES = {
    "handled": OutcomeCase(1, None, ("finish", (HANDLER_OUTCOME, None)), "done"),
    "has to wait": OutcomeCase(
        1,
        RetryMessage(7.5, "too many"),
        delay_operation(7.5),
        "delayed",
        log_entry("info", "message delayed", seconds=7.5, reason="too many"),
    ),
    "can never be handled": OutcomeCase(
        2,
        RejectMessage("empty"),
        dead_letter_operation("empty", 2),
        "dead_lettered",
        dead_letter_log("empty", 2),
    ),
    **{
        f"fails, attempt {attempt}": OutcomeCase(
            attempt,
            POISON,
            delay_operation(seconds, is_counted=True),
            "delayed",
            log_entry("error", "message handler failed", attempt=attempt, exc_info=True),
        )
        for attempt, seconds in ((1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0))
    },
    "fails for the last time": OutcomeCase(
        5,
        POISON,
        dead_letter_operation("ValueError: poison", 5),
        "dead_lettered",
        dead_letter_log("ValueError: poison", 5),
    ),
    "has killed five workers": OutcomeCase(
        6,
        None,
        dead_letter_operation("Given up after 5 attempts.", 5),
        "dead_lettered",
        dead_letter_log("Given up after 5 attempts.", 5),
    ),
    "Redis went away": OutcomeCase(
        3,
        RedisConnectionError("refused"),
        delay_operation(0.5),
        "delayed",
        log_entry("warning", "redis lost during message", reason="refused"),
    ),
    "lost, by its handler": OutcomeCase(
        1,
        LeaseLost(),
        ("nothing", None),
        "lease_lost",
        log_entry("info", "message lease lost", conversation="chat"),
    ),
    "lost, at its end": OutcomeCase(
        1,
        None,
        ("finish", (HANDLER_OUTCOME, None)),
        "lease_lost",
        log_entry("info", "message lease lost", conversation="chat"),
        finish_error=LeaseLost(),
    ),
}


@pytest.fixture(autouse=True)
async def _worker_uses_loop_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    monkeypatch.setattr(worker, "time", clock)


@pytest.fixture
def count_metrics() -> Callable[[], Any]:
    before = {name: PROCESSED_MESSAGES.labels(QUEUE, name)._value.get() for name in OUTCOMES}
    seconds = HANDLING_SECONDS.labels(QUEUE)._sum.get()

    def get_difference() -> tuple[dict[str, float], float]:
        now = {name: PROCESSED_MESSAGES.labels(QUEUE, name)._value.get() for name in OUTCOMES}
        more = {name: count - before[name] for name, count in now.items() if count != before[name]}
        return more, HANDLING_SECONDS.labels(QUEUE)._sum.get() - seconds

    return get_difference


def get_final_operation(mailbox: ScriptedMailbox, message: Delivery) -> tuple[str, Any]:
    ends = [
        (name, arguments) for _, name, arguments in mailbox.calls if name in ("finish", "delay")
    ]
    if not ends:
        return "nothing", None
    ((name, (delivery, *rest)),) = ends
    assert delivery == message
    if name == "finish" and rest[1] is not None:
        dead_letter = rest[1]
        rest[1] = (
            dead_letter.queue,
            dead_letter.conversation,
            dead_letter.payload,
            dead_letter.reason,
            dead_letter.attempts,
        )
    return name, tuple(rest)


async def handle_message(
    mailbox: ScriptedMailbox,
    message: Delivery,
    error: Exception | None,
    is_reply_failing: bool = False,
) -> list[Delivery]:
    """Process one message and return the delivery that the handler received."""
    handled: list[Delivery] = []

    async def handler(delivery: Delivery) -> Outcome:
        handled.append(delivery)
        await asyncio.sleep(HANDLED_SECONDS)
        if error is not None:
            raise error
        return HANDLER_OUTCOME

    async def make_dead_letter_reply(delivery: Delivery) -> Outcome:
        assert delivery == message
        if is_reply_failing:
            raise RuntimeError("failed")
        return DEAD_LETTER_OUTCOME

    stop = asyncio.Event()
    mailbox.incoming.put_nowait(message)
    made = Worker(mailbox, redis.asyncio.Redis(), handler, make_dead_letter_reply)
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(2 * HANDLED_SECONDS)
    stop.set()
    async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
        await running
    return handled


@pytest.mark.parametrize("case", OUTCOME_CASES.values(), ids=OUTCOME_CASES)
async def test_outcome_of_a_message_is_applied_counted_and_logged(
    case: OutcomeCase, count_metrics: Any
) -> None:
    mailbox = ScriptedMailbox(finish=[case.finish_error] if case.finish_error else [])
    message = make_delivery(attempt=case.attempt)
    with structlog.testing.capture_logs() as lines:
        handled = await handle_message(mailbox, message, case.error)

    assert handled == ([] if case.attempt > 5 else [message])
    assert get_final_operation(mailbox, message) == case.expected_operation
    seconds = HANDLED_SECONDS if handled else 0.0
    assert count_metrics() == ({case.metric_label: 1}, pytest.approx(seconds, abs=0.1))
    assert lines[-1:] == ([case.expected_log] if case.expected_log else [])


async def test_message_is_dead_lettered_even_if_the_reply_fails() -> None:
    mailbox, message = ScriptedMailbox(), make_delivery()
    with structlog.testing.capture_logs() as lines:
        await handle_message(mailbox, message, RejectMessage("empty"), is_reply_failing=True)

    assert get_final_operation(mailbox, message) == dead_letter_operation("empty", 1, Outcome())
    assert lines[-1] == log_entry("error", "dead-letter hook failed", exc_info=True)


@pytest.mark.parametrize("operation", ["begin", "finish"])
async def test_unexpected_error_ends_only_the_attempt(operation: str, count_metrics: Any) -> None:
    mailbox = ScriptedMailbox(**{operation: [RuntimeError("refused")]})
    other = make_delivery("other")
    mailbox.incoming.put_nowait(make_delivery())
    with structlog.testing.capture_logs() as lines:
        handled = await handle_message(mailbox, other, None)

    assert handled[-1] == other
    assert count_metrics()[0] == {"done": 1}
    (line,) = lines  # both messages are read together: either can meet the error
    assert line.pop("conversation") in ("chat", "other")
    assert line == log_entry("error", "message processing failed", exc_info=True)


@pytest.mark.parametrize("operation", ["begin", "finish", "delay"])
async def test_finish_waits_for_redis_and_warns_once(operation: str, count_metrics: Any) -> None:
    errors = [RedisConnectionError("refused") for _ in range(3)]
    mailbox, message = ScriptedMailbox(**{operation: errors}), make_delivery()
    error = RetryMessage(1) if operation == "delay" else None
    with structlog.testing.capture_logs() as lines:
        await handle_message(mailbox, message, error)

    assert count_metrics()[0] == {"delayed" if error else "done": 1}
    first, *rest = mailbox.call_times(operation)
    assert [round(at - first, 1) for at in rest] == [0.5, 1.0, 1.5]
    assert [line for line in lines if line["log_level"] == "warning"] == [
        log_entry("warning", "redis unavailable", reason="refused")
    ]


async def test_outdated_entry_is_not_counted(count_metrics: Any) -> None:
    class OutOfDate(ScriptedMailbox):
        async def begin(self, entry: Any) -> None:
            await super().begin(replace(entry, conversation="another"))

    mailbox = OutOfDate()
    assert await handle_message(mailbox, make_delivery(), None) == []
    assert count_metrics() == ({}, 0)
