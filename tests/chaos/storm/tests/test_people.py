"""What people hear in a storm is kept."""

from contextlib import suppress

import httpx2

from smart_kit.testing.suite import Person
from tests.chaos.storm.people import People
from tests.chaos.storm.plan import Plan


class Chats:
    """A sandbox in which each person has one message, and some cannot be asked."""

    def __init__(self, *broken: int) -> None:
        self.broken = set(broken)
        self._made = 0

    def person(self, _name: str) -> Person:
        self._made += 1
        transport = httpx2.MockTransport(self._answer)
        http = httpx2.Client(transport=transport, base_url="http://chat")
        return Person(http, {"id": self._made})

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        chat_id = int(request.url.path.split("/")[2])
        if chat_id in self.broken:
            raise httpx2.ReadTimeout("busy")
        item = {"message_id": 100 + chat_id, "from": "bot", "date": 1, "text": "a word"}
        is_new = int(request.url.params["after"]) < item["message_id"]
        return httpx2.Response(200, json={"items": [item] if is_new else []})


def test_one_who_cannot_be_asked_costs_nobody_a_message() -> None:
    chats = Chats(2)
    people = People(chats, Plan(messages=1, chats=3))  # type: ignore[arg-type]
    with suppress(httpx2.TransportError):
        people.listen()
    chats.broken.clear()
    people.listen()

    assert sorted(people.heard) == [101, 102, 103]
