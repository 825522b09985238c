"""Talking as one of the sandbox's people, through its Telegram."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from control.client import RequestFailed, request
from control.errors import ControlError


@dataclass(frozen=True)
class Person:
    """Somebody one can be."""

    id: int
    first_name: str
    last_name: str
    username: str

    @property
    def names(self) -> frozenset[str]:
        """What this person may be called by, in small letters."""
        full = f"{self.first_name} {self.last_name}".strip()
        return frozenset(
            name.casefold() for name in (self.first_name, full, self.username, str(self.id)) if name
        )


@dataclass(frozen=True)
class Message:
    """What was said."""

    id: int
    is_from_bot: bool
    text: str


@dataclass(frozen=True)
class News:
    """What has happened since some message."""

    messages: tuple[Message, ...]
    typing: bool


@dataclass(frozen=True)
class Chat:
    """The sandbox's chat, as its page sees it."""

    url: str
    """Of the sandbox."""
    token: str

    def person(self, name: str | None) -> Person:
        """The one of that name, or the first; raises ControlError that lists them."""
        people = [_person(item) for item in self._call("GET", "/chat/people")["items"]]
        found = [it for it in people if name is None or name.casefold().lstrip("@") in it.names]
        if not found:
            known = ", ".join(it.first_name for it in people)
            raise ControlError(f"nobody is called {name!r} in the sandbox; there are: {known}")
        return found[0]

    def say(self, person: Person, text: str) -> Message:
        path = f"/chat/{person.id}/messages"
        return _message(self._call("POST", path, {"text": text}))

    def news(self, person: Person, after: int) -> News:
        """The messages later than `after`, a message's id."""
        content = self._call("GET", f"/chat/{person.id}/messages?after={after}")
        messages = tuple(_message(item) for item in content["items"])
        return News(messages, bool(content["typing"]))

    def newest(self, person: Person) -> int:
        """The id of the last message; 0 in an empty chat."""
        return max((message.id for message in self.news(person, 0).messages), default=0)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = request(method, self.url + path, body=body, token=self.token)
        except RequestFailed as error:
            raise ControlError(
                f"the sandbox is not there ({error}): run ./manage.py start, or see"
                " ./manage.py status"
            ) from error
        if not answer.ok:
            raise ControlError(f"the sandbox refuses: {answer.detail}")
        return answer.body


def bot_texts(news: News) -> Iterator[str]:
    return (message.text for message in news.messages if message.is_from_bot)


def _person(item: dict[str, Any]) -> Person:
    return Person(
        item["id"], item["first_name"], item.get("last_name") or "", item.get("username") or ""
    )


def _message(item: dict[str, Any]) -> Message:
    return Message(item["message_id"], item["from"] == "bot", item.get("text") or "")
