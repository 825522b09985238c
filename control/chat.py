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
class Button:
    """Below a message."""

    label: str
    data: str


@dataclass(frozen=True)
class Message:
    """What was said."""

    id: int
    is_from_bot: bool
    text: str
    buttons: tuple[Button, ...] = ()

    @property
    def shown(self) -> str:
        """The text, and a number for each button: who says it presses the button."""
        numbered = [f"  {number}. {it.label}" for number, it in enumerate(self.buttons, 1)]
        hint = ["  A number presses its button."] if numbered else []
        return "\n".join((self.text, *numbered, *hint))

    def button(self, text: str) -> Button | None:
        """The one with that number."""
        number = int(text) if text.isdecimal() and len(text) < 4 else 0
        return self.buttons[number - 1] if 0 < number <= len(self.buttons) else None


@dataclass(frozen=True)
class News:
    """What has happened since some message."""

    messages: tuple[Message, ...]
    typing: bool
    """Or an answer is growing."""


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

    def say(self, person: Person, text: str) -> int:
        """Send it, or press the button of the newest message with this number.

        Returns the id of the message after which the answers come.
        """
        if text.isdecimal() and (messages := self.news(person, 0).messages):
            newest = messages[-1]
            if button := newest.button(text):
                pressed = {"message_id": newest.id, "data": button.data}
                self._call("POST", f"/chat/{person.id}/buttons", pressed)
                return newest.id
        sent = self._call("POST", f"/chat/{person.id}/messages", {"text": text})
        return _message(sent).id

    def news(self, person: Person, after: int) -> News:
        """The messages later than `after`, a message's id."""
        content = self._call("GET", f"/chat/{person.id}/messages?after={after}")
        messages = tuple(_message(item) for item in content["items"])
        return News(messages, bool(content["typing"] or content.get("draft")))

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
    return (message.shown for message in news.messages if message.is_from_bot)


def _person(item: dict[str, Any]) -> Person:
    return Person(
        item["id"], item["first_name"], item.get("last_name") or "", item.get("username") or ""
    )


def _message(item: dict[str, Any]) -> Message:
    rows = (item.get("reply_markup") or {}).get("inline_keyboard", ())
    buttons = (one for row in rows for one in row if one.get("callback_data"))
    return Message(
        item["message_id"],
        item["from"] == "bot",
        item.get("text") or "",
        tuple(Button(one["text"], one["callback_data"]) for one in buttons),
    )
