"""The chat page and its JSON API."""

from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from sandbox.chat.events import stream_events
from sandbox.chat.json_api import JsonApi, JsonBody, read_body
from sandbox.chat.mathml import latex_to_mathml
from sandbox.chat.security import SECURITY_HEADERS, RequestGuard, RequestHandler
from sandbox.chat.user_actions import describe_bot, press_button, send_text, stop_draft
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState
from smart_kit.errors import NotFound

STATIC_DIR = Path(__file__).parent / "static"
MAX_TEXT_LENGTH = 100_000

LanguageCode = Annotated[str, StringConstraints(pattern="^[a-z]{2}$")]


class PersonCreate(JsonBody):
    """A new person to be."""

    first_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)
    ]
    language_code: LanguageCode = "en"


class MessageCreate(JsonBody):
    """What a person says."""

    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_LENGTH)]
    reply_to: int | None = None


class ButtonPressCreate(JsonBody):
    """A button under a message, named by its data."""

    message_id: int
    data: str = Field(max_length=64)


class DraftStopCreate(JsonBody):
    """The draft whose Stop button is pressed; ids beyond 2^53 come as strings."""

    draft_id: int


class ChatPageRoutes:
    """The routes of the page; every one behind the gate."""

    def __init__(
        self, state: TelegramState, guard: RequestGuard, api: JsonApi, model_host: str | None
    ) -> None:
        self._state = state
        self._guard = guard
        self._api = api
        self._model_host = model_host

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        guard, json = self._guard.protect, self._api.wrap_handler
        return [
            web.get("/", self.get_index),
            web.get("/static/{name}", guard(self.get_static_file)),
            web.get("/chat/bot", json(self.get_bot)),
            web.get("/chat/formula", json(self.get_formula)),
            web.get("/chat/events", guard(self.stream_events)),
            web.get("/chat/people", json(self.list_people)),
            web.post("/chat/people", json(self.add_person)),
            web.get("/chat/{person_id}/commands", json(self.list_commands)),
            web.get("/chat/{person_id}/messages", json(self.list_messages)),
            web.post("/chat/{person_id}/messages", json(self.send_message)),
            web.post("/chat/{person_id}/buttons", json(self.press_button)),
            web.post("/chat/{person_id}/stop", json(self.stop_draft)),
        ]

    async def get_index(self, request: web.Request) -> web.StreamResponse:
        """The page itself, or the cookie for it."""
        if "token" in request.query:
            return self._guard.exchange_token(request)
        return await self._guard.protect(_file_handler("index.html"))(request)

    async def get_static_file(self, request: web.Request) -> web.StreamResponse:
        """Styles, scripts and pictures."""
        return await _file_handler(request.match_info["name"])(request)

    async def get_bot(self, request: web.Request) -> dict[str, Any]:
        """Who one talks to, and which host reads along (null: nothing leaves this machine)."""
        described = describe_bot(self._state, request.query.get("language_code", ""))
        return described | {"model_host": self._model_host}

    async def get_formula(self, request: web.Request) -> dict[str, Any]:
        """LaTeX as a tree of MathML; null where it is not understood."""
        display = "block" if request.query.get("display") == "block" else "inline"
        return {"tree": latex_to_mathml(request.query.get("source", ""), display)}

    async def list_people(self, _: web.Request) -> dict[str, Any]:
        """Who one can be, each with the last message of the chat."""
        return {
            "items": [self._with_last_message(person) for person in self._state.people.list_all()]
        }

    def _with_last_message(self, person: Person) -> dict[str, Any]:
        last = self._state.messages.get_last(person.id)
        return {**person.to_json(), "last_message": last.to_json() if last else None}

    async def add_person(self, request: web.Request) -> dict[str, Any]:
        """Somebody new."""
        given = await read_body(request, PersonCreate)
        person = self._state.people.add(given.first_name, given.language_code)
        return person.to_json()

    async def list_commands(self, request: web.Request) -> dict[str, Any]:
        """What `/` offers to this person."""
        person = self._get_person(request)
        return {"items": self._state.commands.get_visible(person.id, person.language_code)}

    async def list_messages(self, request: web.Request) -> dict[str, Any]:
        """The newest messages after a given one, and what the bot is doing."""
        person = self._get_person(request)
        found = self._state.messages.list_after(person.id, _parse_int_query(request, "after") or 0)
        draft = self._state.activity.get_draft(person.id)
        return {
            "items": [message.to_json() for message in found],
            "typing": self._state.activity.is_typing(person.id),
            "draft": draft.to_json() if draft else None,
        }

    async def send_message(self, request: web.Request) -> dict[str, Any]:
        """The person writes to the bot; a long text becomes several messages."""
        given = await read_body(request, MessageCreate)
        return send_text(
            self._state, self._get_person(request), given.text, given.reply_to
        ).to_json()

    async def press_button(self, request: web.Request) -> dict[str, Any]:
        """The person presses a button; the bot's answer comes as an event `answer`."""
        given = await read_body(request, ButtonPressCreate)
        callback_query = press_button(
            self._state, self._get_person(request), given.message_id, given.data
        )
        return {"callback_query_id": callback_query.id, "message_id": callback_query.message_id}

    async def stop_draft(self, request: web.Request) -> dict[str, Any]:
        """The person stops the answer that grows."""
        given = await read_body(request, DraftStopCreate)
        stop_draft(self._state, self._get_person(request), given.draft_id)
        return {"draft_id": str(given.draft_id)}

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        """Live updates."""
        return await stream_events(
            request,
            self._state,
            _parse_int_query(request, "person"),
            _parse_int_query(request, "after"),
        )

    def _get_person(self, request: web.Request) -> Person:
        person_id = request.match_info["person_id"]
        person = self._state.people.get(int(person_id)) if person_id.isdecimal() else None
        if person is None:
            raise NotFound(f"There is no person {person_id}")
        return person


def _parse_int_query(request: web.Request, name: str) -> int | None:
    value = request.query.get(name, "")
    if not value:
        return None
    if not value.isdecimal():
        raise web.HTTPBadRequest(text=f"{name} is not a number\n")
    return int(value)


def _file_handler(name: str) -> RequestHandler:
    async def serve(_: web.Request) -> web.StreamResponse:
        path = STATIC_DIR / name
        if path.parent != STATIC_DIR or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", **SECURITY_HEADERS})

    return serve
