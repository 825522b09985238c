"""The users of a storm: they send the planned messages, and record what they receive."""

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
    """All users of one storm."""

    def __init__(self, suite: SuiteHarness, plan: StormPlan) -> None:
        self.sent: list[UserMessage] = []
        self.received: dict[int, BotMessage] = {}
        """By message id."""
        self._users = [suite.get_or_create_user(f"Storm {number}") for number in range(plan.chats)]
        for user in self._users:
            user.http.timeout = SANDBOX_TIMEOUT_SECONDS
        self._planned_messages = plan.plan_messages()
        self._numbers = itertools.count(FIRST_NUMBER)
        self._last_message_ids = {user.telegram_id: 0 for user in self._users}
        self._last_sent_ids: dict[int, int] = {}
        self._lock = threading.Lock()

    def send_planned(self, clock: Callable[[], float]) -> None:
        """Send each planned message at its time; `clock` returns the seconds since the start."""
        for planned in self._planned_messages:
            time.sleep(max(0.0, planned.at_seconds - clock()))
            self.send(planned.user_index, planned.kind)

    def send(self, index: int, kind: MessageKind) -> None:
        """Send a message with the next number now."""
        user, number, at = self._users[index], next(self._numbers), time.time()
        self._last_sent_ids[user.telegram_id] = user.send(build_text(kind, number))
        self.sent.append(UserMessage(number, user.telegram_id, kind, at))

    def wait_for_reply(self, number: int) -> None:
        """Wait until the bot has sent a message with this number."""

        def is_received() -> bool:
            self.poll()
            return any(message.number == number for message in self.received.values())

        wait_until(is_received)

    def poll(self) -> None:
        """Fetch the new messages of all chats. An error leaves those fetched before it recorded."""
        with self._lock:
            for user in self._users:
                for message in self._fetch_new(user):
                    self.received[message.message_id] = message

    def is_everything_read(self) -> bool:
        """Return whether the bot has confirmed every update."""
        return all(self._has_read(user) for user in self._users)

    def get_pending_reminders(self) -> set[int]:
        """Return the numbers of the alarms that were confirmed and have not been sent yet."""
        requested = {message.number for message in self.sent if message.kind == "alarm"}
        with self._lock:
            received = list(self.received.values())
        sent = {message.number for message in received if message.is_alarm}
        confirmed = {
            message.number for message in received if message.has_receipt and not message.is_alarm
        }
        return requested & confirmed - sent

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
    """Polls the chats in the background, so that no chat grows longer than one page."""

    def __init__(self, users: SimulatedUsers) -> None:
        super().__init__(daemon=True)
        self._users = users
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Poll until `stop` is called."""
        while not self._stop_event.wait(POLL_INTERVAL_SECONDS):
            with suppress(httpx2.TransportError):
                self._users.poll()

    def stop(self) -> None:
        """End the thread, and wait for its end."""
        self._stop_event.set()
        self.join()
