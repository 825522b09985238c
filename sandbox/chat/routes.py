"""The chat page and its JSON API."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from sandbox.chat.events import stream_events
from sandbox.chat.person import describe_bot, press, say
from sandbox.chat.security import HEADERS, Gate, Handler
from sandbox.telegram.state.people import Person
from sandbox.telegram.world import World
from smart_kit.errors import DomainError, InvalidRequest, NotFound

STATIC = Path(__file__).parent / "static"
MAX_TEXT = 100_000

Language = Annotated[str, StringConstraints(pattern="^[a-z]{2}$")]
ShapeT = TypeVar("ShapeT", bound="_Body")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonCreate(_Body):
    """A new person to be."""

    first_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)
    ]
    language_code: Language = "en"


class MessageCreate(_Body):
    """What a person says."""

    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)]
    reply_to: int | None = None


class ButtonPress(_Body):
    """A button under a message, named by its data."""

    message_id: int
    data: str = Field(max_length=64)


class ChatPage:
    """The routes of the page; every one behind the gate."""

    def __init__(self, world: World, gate: Gate, model_host: str | None) -> None:
        self._world = world
        self._gate = gate
        self._model_host = model_host

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        guard = self._gate.guard
        return [
            web.get("/", self.index),
            web.get("/static/{name}", guard(self.static)),
            web.get("/chat/bot", self._json(self.bot)),
            web.get("/chat/events", guard(self.events)),
            web.get("/chat/unknown-parameters", self._json(self.unknown_parameters)),
            web.get("/chat/people", self._json(self.people)),
            web.post("/chat/people", self._json(self.add_person)),
            web.get("/chat/{person_id}/commands", self._json(self.commands)),
            web.get("/chat/{person_id}/messages", self._json(self.messages)),
            web.post("/chat/{person_id}/messages", self._json(self.say)),
            web.post("/chat/{person_id}/buttons", self._json(self.press)),
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

    async def unknown_parameters(self, _: web.Request) -> dict[str, Any]:
        """What bots have sent that the Bot API does not know; for tests."""
        return {"items": list(self._world.unknown_parameters)}

    async def people(self, _: web.Request) -> dict[str, Any]:
        """Who one can be, each with the last message of the chat."""
        return {"items": [self._with_last(person) for person in self._world.people.all()]}

    def _with_last(self, person: Person) -> dict[str, Any]:
        last = self._world.messages.last(person.id)
        return {**person.to_json(), "last_message": last.to_json() if last else None}

    async def add_person(self, request: web.Request) -> dict[str, Any]:
        """Somebody new."""
        given = await _read(request, PersonCreate)
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
        return {
            "items": [message.to_json() for message in found],
            "typing": self._world.activity.is_typing(person.id),
            "draft": self._world.activity.draft_of(person.id),
        }

    async def say(self, request: web.Request) -> dict[str, Any]:
        """The person writes to the bot; a long text becomes several messages."""
        given = await _read(request, MessageCreate)
        return say(self._world, self._person(request), given.text, given.reply_to).to_json()

    async def press(self, request: web.Request) -> dict[str, Any]:
        """The person presses a button; the bot's answer comes as an event `answer`."""
        given = await _read(request, ButtonPress)
        pressed = press(self._world, self._person(request), given.message_id, given.data)
        return {"callback_query_id": pressed.id, "message_id": pressed.message_id}

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

    def _json(self, handler: Callable[[web.Request], Awaitable[dict[str, Any]]]) -> Handler:
        """A guarded handler that answers JSON; one request is one transaction."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body = await handler(request)
            except DomainError as error:
                self._world.rollback()
                refused = {"error": type(error).__name__, "detail": error.message}
                return web.json_response(refused, status=error.status_code)
            except BaseException:
                self._world.rollback()
                raise
            self._world.commit()
            return web.json_response(body, headers={"Cache-Control": "no-store"})

        return self._gate.guard(serve)


async def _read(request: web.Request, shape: type[ShapeT]) -> ShapeT:
    try:
        return shape.model_validate(json.loads(await request.read()))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "body"
        raise InvalidRequest(f"{where}: {problem['msg']}") from error
    except ValueError as error:
        raise InvalidRequest("The body is not JSON") from error


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
