"""Forty people who write at random moments, and what they get to read."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import httpx2

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, MessageKind, UserMessage, build_text
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.system_under_test import SANDBOX_TIMEOUT_SECONDS

POLL_INTERVAL_SECONDS = 1.0


class SimulatedUsers:
    """All who talk to one bot."""

    def __init__(self, suite: SuiteHarness, plan: StormPlan) -> None:
        self.sent: list[UserMessage] = []
        self.received: dict[int, BotMessage] = {}
        self._users = [suite.get_or_create_user(f"Storm {number}") for number in range(plan.chats)]
        for person in self._users:
            person.http.timeout = SANDBOX_TIMEOUT_SECONDS
        self._planned_messages = plan.plan_messages()
        self._numbers = itertools.count(FIRST_NUMBER)
        self._last_message_ids = {person.telegram_id: 0 for person in self._users}
        self._last_sent_ids: dict[int, int] = {}
        self._lock = threading.Lock()

    def send_planned(self, clock: Callable[[], float]) -> None:
        """Every message at its moment, by `clock`, in seconds; returns after the last."""
        for planned in self._planned_messages:
            time.sleep(max(0.0, planned.at_seconds - clock()))
            self.send(planned.user_index, planned.kind)

    def send(self, index: int, kind: MessageKind) -> None:
        """One message at once; each bears the next number."""
        user, number, at = self._users[index], next(self._numbers), time.time()
        self._last_sent_ids[user.telegram_id] = user.send(build_text(kind, number))
        self.sent.append(UserMessage(number, user.telegram_id, kind, at))

    def wait_for_reply(self, number: int) -> None:
        """Return when the bot has said something that bears this number."""

        def is_received() -> bool:
            self.poll()
            return any(one.number == number for one in self.received.values())

        wait_until(is_received)

    def poll(self) -> None:
        """Read what is new in all chats; what was read is kept, whatever becomes of the others."""
        with self._lock:
            for person in self._users:
                for one in self._fetch_new(person):
                    self.received[one.message_id] = one

    def is_everything_read(self) -> bool:
        """Whether the bot has taken every update."""
        return all(self._has_read(person) for person in self._users)

    def get_pending_reminders(self) -> set[int]:
        """The messages whose reminders have been promised and have not come yet."""
        wanted = {one.number for one in self.sent if one.kind == "alarm"}
        with self._lock:
            heard = list(self.received.values())
        promised = {one.number for one in heard if one.has_receipt and not one.is_alarm}
        return wanted & promised - {one.number for one in heard if one.is_alarm}

    def _fetch_new(self, user: SandboxUser) -> Iterable[BotMessage]:
        chat_id = user.telegram_id
        for message in user.get_messages(self._last_message_ids[chat_id]):
            message_id = int(message["message_id"])
            self._last_message_ids[chat_id] = max(self._last_message_ids[chat_id], message_id)
            if message["from"] == "bot":
                yield BotMessage(message_id, chat_id, int(message["date"]), str(message["text"]))

    def _has_read(self, user: SandboxUser) -> bool:
        last = self._last_sent_ids.get(user.telegram_id)
        return last is None or bool(user.get_messages(last - 1)[0]["read"])


class ChatPoller(threading.Thread):
    """Reads along until told to stop, so that no chat grows longer than a page of it."""

    def __init__(self, users: SimulatedUsers) -> None:
        super().__init__(daemon=True)
        self._users = users
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Listen now and then."""
        while not self._stop_event.wait(POLL_INTERVAL_SECONDS):
            with suppress(httpx2.TransportError):
                self._users.poll()

    def stop(self) -> None:
        """Return when it has ended."""
        self._stop_event.set()
        self.join()
