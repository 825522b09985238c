"""Forty people who write at random moments, and what they get to read."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import httpx2

from smart_kit.testing.suite import Person, Suite, wait_until
from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, Kind, UserMessage, text_of
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.system_under_test import PATIENCE

LISTEN_SECONDS = 1.0


class People:
    """All who talk to one bot."""

    def __init__(self, suite: Suite, plan: Plan) -> None:
        self.said: list[UserMessage] = []
        self.heard: dict[int, BotMessage] = {}
        self._people = [suite.person(f"Storm {number}") for number in range(plan.chats)]
        for person in self._people:
            person.http.timeout = PATIENCE
        self._planned_messages = plan.planned_messages()
        self._numbers = itertools.count(FIRST_NUMBER)
        self._newest = {person.telegram_id: 0 for person in self._people}
        self._last_said: dict[int, int] = {}
        self._listening = threading.Lock()

    def write(self, clock: Callable[[], float]) -> None:
        """Every message at its moment, by `clock`, in seconds; returns after the last."""
        for planned in self._planned_messages:
            time.sleep(max(0.0, planned.at - clock()))
            self.say(planned.person, planned.kind)

    def say(self, person: int, kind: Kind) -> None:
        """One message at once; each bears the next number."""
        said, number, at = self._people[person], next(self._numbers), time.time()
        self._last_said[said.telegram_id] = said.say(text_of(kind, number))
        self.said.append(UserMessage(number, said.telegram_id, kind, at))

    def wait_for(self, number: int) -> None:
        """Return when the bot has said something that bears this number."""

        def has_come() -> bool:
            self.listen()
            return any(one.number == number for one in self.heard.values())

        wait_until(has_come)

    def listen(self) -> None:
        """Read what is new in all chats; what was read is kept, whatever becomes of the others."""
        with self._listening:
            for person in self._people:
                for one in self._new(person):
                    self.heard[one.message_id] = one

    def is_read(self) -> bool:
        """Whether the bot has taken every update."""
        return all(self._has_read(person) for person in self._people)

    def awaited(self) -> set[int]:
        """The messages whose reminders have been promised and have not come yet."""
        wanted = {one.number for one in self.said if one.kind == "alarm"}
        with self._listening:
            heard = list(self.heard.values())
        promised = {one.number for one in heard if one.has_receipt and not one.is_alarm}
        return wanted & promised - {one.number for one in heard if one.is_alarm}

    def _new(self, person: Person) -> Iterable[BotMessage]:
        chat_id = person.telegram_id
        for message in person.messages(self._newest[chat_id]):
            message_id = int(message["message_id"])
            self._newest[chat_id] = max(self._newest[chat_id], message_id)
            if message["from"] == "bot":
                yield BotMessage(message_id, chat_id, int(message["date"]), str(message["text"]))

    def _has_read(self, person: Person) -> bool:
        last = self._last_said.get(person.telegram_id)
        return last is None or bool(person.messages(last - 1)[0]["read"])


class Listener(threading.Thread):
    """Reads along until told to stop, so that no chat grows longer than a page of it."""

    def __init__(self, people: People) -> None:
        super().__init__(daemon=True)
        self._people = people
        self._over = threading.Event()

    def run(self) -> None:
        """Listen now and then."""
        while not self._over.wait(LISTEN_SECONDS):
            with suppress(httpx2.TransportError):
                self._people.listen()

    def stop(self) -> None:
        """Return when it has ended."""
        self._over.set()
        self.join()
