"""The chat page and its JSON API."""

from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from sandbox.chat.event_stream import stream_events
from sandbox.chat.json_api import JsonApi, JsonBody, read_body
from sandbox.chat.mathml import latex_to_mathml
from sandbox.chat.security import SECURITY_HEADERS, ChatAccessGuard
from sandbox.chat.user_actions import press_button, send_location, send_text, stop_draft
from sandbox.telegram.telegram_state import TelegramState
from sandbox.weather.gazetteer import load_cities

STATIC_DIR = Path(__file__).parent / "static"
MAX_TEXT_LENGTH = 100_000


class PersonCreate(JsonBody):
    """A new person."""

    first_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)
    ]
    language_code: str = Field("en", pattern="^[a-z]{2}$")


class MessageCreate(JsonBody):
    """A text that a person sends to the bot."""

    text: str = Field(max_length=MAX_TEXT_LENGTH)
    reply_to: int | None = None


class LocationCreate(JsonBody):
    """A location that a person sends to the bot, in degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class ButtonPressCreate(JsonBody):
    """A press of the button with this callback data."""

    message_id: int
    data: str = Field(max_length=64)


class DraftStopCreate(JsonBody):
    """A press of Stop under a draft; ids beyond 2^53 come as strings."""

    draft_id: int


class ChatPageRoutes(JsonApi):
    """The page's routes."""

    def __init__(
        self, state: TelegramState, guard: ChatAccessGuard, model_host: str | None
    ) -> None:
        super().__init__(state, guard)
        self._model_host = model_host

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for the application."""
        return [
            web.get("/", self.get_index),
            web.get("/static/{name}", self._guard.protect(self.get_static_file)),
            web.get("/chat/bot", self._build_json_handler(self.get_bot)),
            web.get("/chat/formula", self._build_json_handler(self.get_formula)),
            web.get("/chat/events", self._guard.protect(self.stream_events)),
            web.get("/chat/places", self._build_json_handler(self.list_places)),
            web.get("/chat/people", self._build_json_handler(self.list_people)),
            web.post("/chat/people", self._build_json_handler(self.add_person)),
            web.get("/chat/{person_id}/commands", self._build_json_handler(self.list_commands)),
            web.get("/chat/{person_id}/messages", self._build_json_handler(self.list_messages)),
            web.post("/chat/{person_id}/messages", self._build_json_handler(self.send_message)),
            web.post("/chat/{person_id}/location", self._build_json_handler(self.send_location)),
            web.post("/chat/{person_id}/buttons", self._build_json_handler(self.press_button)),
            web.post("/chat/{person_id}/stop", self._build_json_handler(self.stop_draft)),
        ]

    async def get_index(self, request: web.Request) -> web.StreamResponse:
        """Return the page, or exchange the link's token for a cookie."""
        if "token" in request.query:
            return self._guard.exchange_token(request)
        return await self._guard.protect(self.get_static_file)(request)

    async def get_static_file(self, request: web.Request) -> web.StreamResponse:
        """Return the page, or a style sheet, script or image of it."""
        path = STATIC_DIR / request.match_info.get("name", "index.html")
        if path.parent != STATIC_DIR or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", **SECURITY_HEADERS})

    async def get_bot(self, _: web.Request) -> dict[str, Any]:
        """Return the bot; `model_host` is null if no message leaves this machine."""
        bot = self._state.bot.to_user()
        return {**bot, "name": bot["first_name"], "model_host": self._model_host}

    async def get_formula(self, request: web.Request) -> dict[str, Any]:
        """Return LaTeX as a tree of MathML; null for invalid LaTeX."""
        display = "block" if request.query.get("display") == "block" else "inline"
        return {"tree": latex_to_mathml(request.query.get("source", ""), display)}

    async def list_places(self, request: web.Request) -> dict[str, Any]:
        """Return the places of the sandbox's weather, each with its coordinates."""
        fields = ("name", "admin1", "country", "latitude", "longitude")
        cities = load_cities(request.query.get("language") == "ru")
        return {"items": [{name: city.fields.get(name) for name in fields} for city in cities]}

    async def list_people(self, _: web.Request) -> dict[str, Any]:
        """Return all people, each with the last message of the chat."""
        items = [person.to_json() for person in self._state.people.list_all()]
        for item in items:
            last = self._state.messages.list_after(item["id"], limit=1)
            item["last_message"] = last[0].to_json() if last else None
        return {"items": items}

    async def add_person(self, request: web.Request) -> dict[str, Any]:
        """Create a person."""
        body = await read_body(request, PersonCreate)
        return self._state.people.add(body.first_name, body.language_code).to_json()

    async def list_commands(self, request: web.Request) -> dict[str, Any]:
        """Return the bot's commands in the person's language."""
        person = self._get_person(request)
        return {"items": self._state.commands.get_visible(person.id, person.language_code)}

    async def list_messages(self, request: web.Request) -> dict[str, Any]:
        """Return the newest messages after a message id, the typing state and the draft."""
        person = self._get_person(request)
        after = request.query.get("after") or "0"
        if not after.isdecimal():
            raise web.HTTPBadRequest(text="after is not a number\n")
        found = self._state.messages.list_after(person.id, int(after))
        draft = self._state.activity.get_draft(person.id)
        return {
            "items": [message.to_json() for message in found],
            "typing": self._state.activity.is_typing(person.id),
            "draft": draft.to_json() if draft else None,
        }

    async def send_message(self, request: web.Request) -> dict[str, Any]:
        """Send a person's text to the bot; a long text becomes several messages."""
        body = await read_body(request, MessageCreate)
        person = self._get_person(request)
        return send_text(self._state, person, body.text, body.reply_to).to_json()

    async def send_location(self, request: web.Request) -> dict[str, Any]:
        """Send a location to the bot."""
        body = await read_body(request, LocationCreate)
        person = self._get_person(request)
        return send_location(self._state, person, body.latitude, body.longitude).to_json()

    async def press_button(self, request: web.Request) -> dict[str, Any]:
        """Press a button; the bot's reply to the press comes as an `answer` event."""
        body = await read_body(request, ButtonPressCreate)
        person = self._get_person(request)
        callback_query = press_button(self._state, person, body.message_id, body.data)
        return {"callback_query_id": callback_query.id, "message_id": callback_query.message_id}

    async def stop_draft(self, request: web.Request) -> dict[str, Any]:
        """Press Stop under a draft."""
        body = await read_body(request, DraftStopCreate)
        stop_draft(self._state, self._get_person(request), body.draft_id)
        return {"draft_id": str(body.draft_id)}

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        """Stream live updates of all chats."""
        return await stream_events(request, self._state.event_bus)
