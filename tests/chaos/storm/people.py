"""Forty people who write at random moments, and what they get to read."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import httpx2

from smart_kit.testing.suite import Person, Suite
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Said, text_of
from tests.chaos.storm.plan import Moment, Plan
from tests.chaos.storm.system import PATIENCE

LISTEN_SECONDS = 1.0


class People:
    """All who talk to one bot."""

    def __init__(self, suite: Suite, plan: Plan) -> None:
        self.said: list[Said] = []
        self.heard: dict[int, Heard] = {}
        self._people = [suite.person(f"Storm {number}") for number in range(plan.chats)]
        for person in self._people:
            person.http.timeout = PATIENCE
        self._moments = plan.moments()
        self._newest = {person.telegram_id: 0 for person in self._people}
        self._last_said: dict[int, int] = {}
        self._listening = threading.Lock()

    def write(self, clock: Callable[[], float]) -> None:
        """Every message at its moment, by `clock`, in seconds; returns after the last."""
        for number, moment in enumerate(self._moments, FIRST_NUMBER):
            time.sleep(max(0.0, moment.at - clock()))
            self._say(number, moment)

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

    def _say(self, number: int, moment: Moment) -> None:
        person = self._people[moment.person]
        at = time.time()
        self._last_said[person.telegram_id] = person.say(text_of(moment.kind, number))
        self.said.append(Said(number, person.telegram_id, moment.kind, at))

    def _new(self, person: Person) -> Iterable[Heard]:
        chat_id = person.telegram_id
        for message in person.messages(self._newest[chat_id]):
            message_id = int(message["message_id"])
            self._newest[chat_id] = max(self._newest[chat_id], message_id)
            if message["from"] == "bot":
                yield Heard(message_id, chat_id, int(message["date"]), str(message["text"]))

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
