"""The simulated users of a storm record every message that they receive."""

from contextlib import suppress

import httpx2

from smart_kit.testing.suite_harness import SandboxUser
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.simulated_users import SimulatedUsers


class FakeChatPage:
    """A sandbox in which each chat has one message, and requests for some chats fail."""

    def __init__(self, *broken: int) -> None:
        self.broken = set(broken)
        self._created = 0

    def get_or_create_user(self, _name: str) -> SandboxUser:
        self._created += 1
        transport = httpx2.MockTransport(self._respond)
        http = httpx2.Client(transport=transport, base_url="http://chat")
        return SandboxUser(http, {"id": self._created})

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        chat_id = int(request.url.path.split("/")[2])
        if chat_id in self.broken:
            raise httpx2.ReadTimeout("busy")
        item = {"message_id": 100 + chat_id, "from": "bot", "date": 1, "text": "a word"}
        is_new = int(request.url.params["after"]) < item["message_id"]
        return httpx2.Response(200, json={"items": [item] if is_new else []})


def test_a_failed_poll_of_one_chat_loses_no_message() -> None:
    chats = FakeChatPage(2)
    users = SimulatedUsers(chats, StormPlan(messages=1, chats=3))  # type: ignore[arg-type]
    with suppress(httpx2.TransportError):
        users.poll()
    chats.broken.clear()
    users.poll()

    assert sorted(users.received) == [101, 102, 103]
