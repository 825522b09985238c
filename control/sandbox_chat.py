"""A client for the sandbox's chat, on behalf of one of its users."""

from dataclasses import dataclass
from typing import Any

from control.errors import ControlError
from control.http_client import RequestFailed, request


@dataclass(frozen=True)
class SandboxAccount:
    """A user of the sandbox."""

    id: int
    first_name: str
    names: frozenset[str]
    """The names that identify the user, in lower case."""


@dataclass(frozen=True)
class InlineButton:
    """A button below a message."""

    label: str
    data: str


@dataclass(frozen=True)
class ChatMessage:
    """A message in the chat."""

    id: int
    is_from_bot: bool
    text: str
    buttons: tuple[InlineButton, ...] = ()

    @property
    def rendered_text(self) -> str:
        """The text and numbered buttons; sending a number presses its button."""
        numbered = [f"  {number}. {it.label}" for number, it in enumerate(self.buttons, 1)]
        hint = ["  A number presses its button."] if numbered else []
        return "\n".join((self.text, *numbered, *hint))

    def find_button(self, text: str) -> InlineButton | None:
        """Return the button with this number."""
        number = int(text) if text.isdecimal() and len(text) < 4 else 0
        return self.buttons[number - 1] if 0 < number <= len(self.buttons) else None


@dataclass(frozen=True)
class ChatUpdates:
    """The changes since a message."""

    messages: tuple[ChatMessage, ...]
    last_message_id: int
    is_typing: bool
    """Also True while a reply is being drafted."""

    @property
    def bot_texts(self) -> list[str]:
        return [message.rendered_text for message in self.messages if message.is_from_bot]


@dataclass(frozen=True)
class SandboxChat:
    """The chat, as the sandbox's page sees it."""

    url: str
    token: str

    def find_user(self, name: str | None) -> SandboxAccount:
        """Return the user with this name, or the first. Raises ControlError for an unknown name."""
        people = [_parse_user(item) for item in self._request("GET", "/chat/people")["items"]]
        found = [it for it in people if name is None or name.casefold().lstrip("@") in it.names]
        if not found:
            known = ", ".join(it.first_name for it in people)
            raise ControlError(f"there is no user {name!r} in the sandbox; there are: {known}")
        return found[0]

    def send(self, user: SandboxAccount, text: str) -> int:
        """Send a text or press the newest message's button. Return the id before the replies."""
        if text.isdecimal() and (messages := self.get_updates(user, 0).messages):
            newest = messages[-1]
            if button := newest.find_button(text):
                body = {"message_id": newest.id, "data": button.data}
                self._request("POST", f"/chat/{user.id}/buttons", body)
                return newest.id
        sent = self._request("POST", f"/chat/{user.id}/messages", {"text": text})
        return _parse_message(sent).id

    def get_updates(self, user: SandboxAccount, after: int) -> ChatUpdates:
        """Return the messages after the one with the id `after`."""
        content = self._request("GET", f"/chat/{user.id}/messages?after={after}")
        messages = tuple(_parse_message(item) for item in content["items"])
        last_message_id = max((message.id for message in messages), default=after)
        is_typing = bool(content["typing"] or content.get("draft"))
        return ChatUpdates(messages, last_message_id, is_typing)

    def _request(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = request(method, self.url + path, body=body, token=self.token)
        except RequestFailed as error:
            problem = f"the sandbox cannot be reached ({error})"
            advice = "run ./manage.py start, or see ./manage.py status"
            raise ControlError(f"{problem}: {advice}") from error
        if not answer.ok:
            raise ControlError(f"the sandbox refuses: {answer.detail}")
        return answer.body


def _parse_user(item: dict[str, Any]) -> SandboxAccount:
    first_name = item["first_name"]
    full_name = f"{first_name} {item.get('last_name') or ''}".strip()
    names = (first_name, full_name, item.get("username") or "", str(item["id"]))
    return SandboxAccount(item["id"], first_name, frozenset(map(str.casefold, filter(None, names))))


def _parse_message(item: dict[str, Any]) -> ChatMessage:
    rows = (item.get("reply_markup") or {}).get("inline_keyboard", ())
    buttons = tuple(
        InlineButton(button["text"], button["callback_data"])
        for row in rows
        for button in row
        if button.get("callback_data")
    )
    text = item.get("text") or ""
    return ChatMessage(item["message_id"], item["from"] == "bot", text, buttons)
