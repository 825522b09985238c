"""The chat page and its JSON API."""

from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from sandbox.chat.events import stream_events
from sandbox.chat.formulas import formula_tree
from sandbox.chat.json_api import Body, JsonApi, read_body
from sandbox.chat.person import describe_bot, press, say, stop
from sandbox.chat.security import HEADERS, Gate, Handler
from sandbox.telegram.state.people import Person
from sandbox.telegram.world import World
from smart_kit.errors import NotFound

STATIC = Path(__file__).parent / "static"
MAX_TEXT = 100_000

Language = Annotated[str, StringConstraints(pattern="^[a-z]{2}$")]


class PersonCreate(Body):
    """A new person to be."""

    first_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)
    ]
    language_code: Language = "en"


class MessageCreate(Body):
    """What a person says."""

    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)]
    reply_to: int | None = None


class ButtonPress(Body):
    """A button under a message, named by its data."""

    message_id: int
    data: str = Field(max_length=64)


class DraftStop(Body):
    """The draft whose Stop button is pressed; ids beyond 2^53 come as strings."""

    draft_id: int


class ChatPage:
    """The routes of the page; every one behind the gate."""

    def __init__(self, world: World, gate: Gate, api: JsonApi, model_host: str | None) -> None:
        self._world = world
        self._gate = gate
        self._api = api
        self._model_host = model_host

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        guard, json = self._gate.guard, self._api.handler
        return [
            web.get("/", self.index),
            web.get("/static/{name}", guard(self.static)),
            web.get("/chat/bot", json(self.bot)),
            web.get("/chat/formula", json(self.formula)),
            web.get("/chat/events", guard(self.events)),
            web.get("/chat/people", json(self.people)),
            web.post("/chat/people", json(self.add_person)),
            web.get("/chat/{person_id}/commands", json(self.commands)),
            web.get("/chat/{person_id}/messages", json(self.messages)),
            web.post("/chat/{person_id}/messages", json(self.say)),
            web.post("/chat/{person_id}/buttons", json(self.press)),
            web.post("/chat/{person_id}/stop", json(self.stop)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself, or the cookie for it."""
        if "token" in request.query:
            return self._gate.admit(request)
        return await self._gate.guard(_file("index.html"))(request)

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Styles, scripts and pictures."""
        return await _file(request.match_info["name"])(request)

    async def bot(self, request: web.Request) -> dict[str, Any]:
        """Who one talks to, and which host reads along (null: nothing leaves this machine)."""
        described = describe_bot(self._world, request.query.get("language_code", ""))
        return described | {"model_host": self._model_host}

    async def formula(self, request: web.Request) -> dict[str, Any]:
        """LaTeX as a tree of MathML; null where it is not understood."""
        display = "block" if request.query.get("display") == "block" else "inline"
        return {"tree": formula_tree(request.query.get("source", ""), display)}

    async def people(self, _: web.Request) -> dict[str, Any]:
        """Who one can be, each with the last message of the chat."""
        return {"items": [self._with_last(person) for person in self._world.people.all()]}

    def _with_last(self, person: Person) -> dict[str, Any]:
        last = self._world.messages.last(person.id)
        return {**person.to_json(), "last_message": last.to_json() if last else None}

    async def add_person(self, request: web.Request) -> dict[str, Any]:
        """Somebody new."""
        given = await read_body(request, PersonCreate)
        person = self._world.people.add(given.first_name, given.language_code)
        return person.to_json()

    async def commands(self, request: web.Request) -> dict[str, Any]:
        """What `/` offers to this person."""
        person = self._person(request)
        return {"items": self._world.commands.shown_to(person.id, person.language_code)}

    async def messages(self, request: web.Request) -> dict[str, Any]:
        """The newest messages after a given one, and what the bot is doing."""
        person = self._person(request)
        found = self._world.messages.after(person.id, _number(request, "after") or 0)
        draft = self._world.activity.draft_of(person.id)
        return {
            "items": [message.to_json() for message in found],
            "typing": self._world.activity.is_typing(person.id),
            "draft": draft.to_json() if draft else None,
        }

    async def say(self, request: web.Request) -> dict[str, Any]:
        """The person writes to the bot; a long text becomes several messages."""
        given = await read_body(request, MessageCreate)
        return say(self._world, self._person(request), given.text, given.reply_to).to_json()

    async def press(self, request: web.Request) -> dict[str, Any]:
        """The person presses a button; the bot's answer comes as an event `answer`."""
        given = await read_body(request, ButtonPress)
        pressed = press(self._world, self._person(request), given.message_id, given.data)
        return {"callback_query_id": pressed.id, "message_id": pressed.message_id}

    async def stop(self, request: web.Request) -> dict[str, Any]:
        """The person stops the answer that grows."""
        given = await read_body(request, DraftStop)
        stop(self._world, self._person(request), given.draft_id)
        return {"draft_id": str(given.draft_id)}

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Live updates."""
        return await stream_events(
            request, self._world, _number(request, "person"), _number(request, "after")
        )

    def _person(self, request: web.Request) -> Person:
        person_id = request.match_info["person_id"]
        person = self._world.people.get(int(person_id)) if person_id.isdecimal() else None
        if person is None:
            raise NotFound(f"There is no person {person_id}")
        return person


def _number(request: web.Request, name: str) -> int | None:
    value = request.query.get(name, "")
    if not value:
        return None
    if not value.isdecimal():
        raise web.HTTPBadRequest(text=f"{name} is not a number\n")
    return int(value)


def _file(name: str) -> Handler:
    async def serve(_: web.Request) -> web.StreamResponse:
        path = STATIC / name
        if path.parent != STATIC or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", **HEADERS})

    return serve
