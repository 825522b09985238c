"""The assistant as main.py puts it together, between a test's queue, model and rest_service."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4, uuid5

import httpx2
from pydantic import SecretStr

from assistant.src.answering import Answering
from assistant.src.assistants.factory import AssistantFactory
from assistant.src.commands import Commands
from assistant.src.messages.window import Window
from assistant.src.orchestrator import AssistantOrchestrator
from assistant.src.services.budget import Budgets
from assistant.src.services.live_frames import LiveFrames
from assistant.src.services.models.catalogue import Catalogues
from assistant.src.services.models.client import ModelClient
from assistant.src.services.open_meteo import OpenMeteo
from assistant.src.services.rest_service import RestServiceClient
from assistant.src.storage.configuration import ConfigurationStore
from assistant.src.storage.history import HistoryStore
from assistant.src.storage.history_archive import HistoryArchive
from assistant.src.storage.users import UserStore
from assistant.src.tools.base import ToolServices
from assistant.tests.sky import Sky
from smart_kit.clock import Clock
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.functions import FUNCTIONS
from smart_kit.contracts.keys import CONFIGURATION_KEY, TURNS_STREAM, user_key
from smart_kit.contracts.queue import (
    TO_TELEGRAM,
    Notice,
    Reply,
    Sender,
    UserCommand,
    UserMessage,
)
from smart_kit.contracts.threads import TurnRecord, first_thread_id
from smart_kit.contracts.users import UserSnapshot
from smart_kit.mailbox import Delivery, Letter, Mailbox, Outcome
from smart_kit.redis import Redis, answer
from smart_kit.rest_client import ServiceClient
from smart_kit.settings import RestClientSettings
from smart_kit.vault import Vault

ALICE = 1001
BOT = 77
WRITTEN_AT = datetime(2026, 11, 21, 12, 24, 30, tzinfo=UTC)
"""Sat 13:24:30 in Berlin."""

_MADE_BY_TEST = UUID(int=7)


def identified(name: str) -> UUID:
    """The id of what a test calls so."""
    return uuid5(_MADE_BY_TEST, name)


ALICES_THREAD = first_thread_id(identified(str(ALICE)), identified("Secretary"))


def tool(function: str, name: str = "", *, asks: str = "", **changes: Any) -> ToolSnapshot:
    """A built-in function as a record; `asks` names the assistant behind it."""
    built_in = next(one for one in FUNCTIONS if one.name == function)
    record = ToolSnapshot(
        id=uuid4(),
        name=name or function,
        tool_type=built_in.tool_type,
        description=f"What {name or function} does",
        input_schema=built_in.schema,
        sub_assistant_id=identified(asks) if asks else None,
    )
    return record.model_copy(update=changes)


def assistant(name: str, *tools: ToolSnapshot, **changes: Any) -> AssistantSnapshot:
    """An assistant's record."""
    record = AssistantSnapshot(
        id=identified(name),
        name=name,
        is_secretary=False,
        model=None,
        instructions=f"You are {name}.",
        assistant_type="llm",
        tools=tools,
    )
    return record.model_copy(update=changes)


def secretary(*tools: ToolSnapshot, **changes: Any) -> AssistantSnapshot:
    """The default assistant's record."""
    return assistant("Secretary", *tools, is_secretary=True, **changes)


def served(name: str, **changes: Any) -> ModelSnapshot:
    """The record of a model on the test's server; it takes tools and answers whole."""
    record = ModelSnapshot(
        id=identified(name),
        name=name,
        provider_id=identified("provider"),
        capabilities=frozenset({"tools"}),
    )
    return record.model_copy(update=changes)


@dataclass
class RestService:
    """Answers as rest_service does, as far as the assistant asks, and repeats for equal keys."""

    is_down: bool = False
    refusal: tuple[int, str] | None = None
    requests: list[httpx2.Request] = field(default_factory=list)
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    tasks_in_all: int = 0
    archive: list[dict[str, Any]] = field(default_factory=list)
    """Items of Alice's thread."""
    undoable: list[dict[str, Any]] = field(default_factory=list)
    """Effects that /undo would take back, the newest last."""

    delay_seconds: float = 0.0
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What somebody else does while it answers."""

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay_seconds)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.is_down:
            raise httpx2.ConnectError("refused")
        if self.refusal is not None:
            status, detail = self.refusal
            return httpx2.Response(status, json={"error": "refused", "detail": detail})
        return self._answer(request, json.loads(request.content or b"{}"))

    def _answer(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        match request.method, request.url.path.split("/")[2]:
            case "PUT", "users":
                return httpx2.Response(200, json=self._user(request, body))
            case "POST", "cron-jobs":
                return httpx2.Response(201, json=self._once(request, body, self._cron_job))
            case "POST", "tasks":
                return httpx2.Response(201, json=self._once(request, body, self._task))
            case "PATCH", "tasks":
                return httpx2.Response(200, json=self._once(request, body, self._changed_task))
            case "GET", "tasks":
                page = {"items": self.tasks, "total": self.tasks_in_all or len(self.tasks)}
                return httpx2.Response(200, json=page | {"limit": 50, "offset": 0})
            case "GET", "messages":
                return httpx2.Response(200, json=self._messages(request))
            case "POST", "effects":
                return self._undo(request, body)
            case "POST", "threads":
                return httpx2.Response(201, json=self._once(request, body, self._thread))
        return httpx2.Response(404, json={"error": "not_found", "detail": "no such route"})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was sent."""
        return [json.loads(request.content) for request in self.requests]

    def asked(self, method: str, path: str) -> list[httpx2.Request]:
        """The requests of that kind."""
        return [one for one in self.requests if (one.method, one.url.path) == (method, path)]

    def _messages(self, request: httpx2.Request) -> dict[str, Any]:
        wanted = request.url.params
        assert wanted["newest"] == "true"
        rows = [
            {
                "id": str(uuid4()),
                "thread_id": wanted["thread_id"],
                "user_id": wanted["user_id"],
                "assistant_id": str(uuid4()),
                "message_id": "tg:77:0",
                "position": position,
                "role": item["role"],
                "content": item["content"],
                "payload": item,
                "created_at": _now(),
            }
            for position, item in enumerate(self.archive)
        ]
        limit = int(wanted["limit"])
        return {"items": rows[-limit:], "total": len(rows), "limit": limit, "offset": 0}

    def _undo(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        if request.headers["Idempotency-Key"] not in self.created and not self.undoable:
            return httpx2.Response(404, json={"error": "not_found", "detail": "nothing is left"})
        return httpx2.Response(200, json=self._once(request, body, self._undone))

    def _undone(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        effect = self.undoable.pop()
        undoing = _effect(request, body["user_id"], "reminder_cancelled", {})
        return undoing | {"undoes": effect["id"], "before": effect["after"], "after": None}

    def _once(
        self,
        request: httpx2.Request,
        body: dict[str, Any],
        make: Callable[[httpx2.Request, dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        key = request.headers["Idempotency-Key"]
        if key not in self.created:
            self.created[key] = make(request, body)
        return self.created[key]

    def _user(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        telegram_id = int(request.url.path.split("/")[-1])
        user = person(telegram_id).model_dump(mode="json")
        return user | {"username": None} | body | _moments()

    def _thread(self, _: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        fresh = {"id": str(uuid4()), "thread_id": str(uuid4())}
        return body | fresh | _moments() | {"last_used_at": _now()}

    def _task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        made = task(**{name: value for name, value in body.items() if name != "timezone"})
        return made | {"effect": _effect(request, body["user_id"], "task_created", made)}

    def _changed_task(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        task_id = request.url.path.split("/")[-1]
        (before,) = (one for one in self.tasks if one["id"] == task_id)
        after = before | {name: value for name, value in body.items() if name != "timezone"}
        return after | {"effect": _effect(request, after["user_id"], "task_changed", after)}

    def _cron_job(self, request: httpx2.Request, body: dict[str, Any]) -> dict[str, Any]:
        job = {"at": None, "cron_expression": None, "is_silent": False, "is_active": True} | body
        job |= {"id": str(uuid4()), "name": body["text"][:60], **_moments()}
        job["next_fire_at"] = job["at"] or "2026-11-27T08:00:00Z"
        after = {"text": body["text"]}
        effect = _effect(request, body["user_id"], "reminder_created", after)
        self.undoable.append(effect)
        return job | {"effect": effect}


def task(title: str, **changes: Any) -> dict[str, Any]:
    """A task of Alice's as rest_service tells it."""
    made = {
        "id": str(identified(title)),
        "user_id": str(identified(str(ALICE))),
        "title": title,
        "status": "open",
        "due_at": None,
        "priority": "normal",
        "completed_at": None,
        **_moments(),
    }
    return made | changes


def _effect(
    request: httpx2.Request, user_id: str, kind: str, after: dict[str, Any]
) -> dict[str, Any]:
    message_id, _, step = request.headers["Idempotency-Key"].rpartition("/")
    return {
        "id": str(uuid4()),
        "user_id": user_id,
        "kind": kind,
        "after": after,
        "message_id": message_id,
        "step": step,
        "created_at": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _moments() -> dict[str, str]:
    return {"created_at": _now(), "updated_at": _now()}


def person(telegram_id: int = ALICE, **changes: Any) -> UserSnapshot:
    """Somebody in Berlin."""
    snapshot = UserSnapshot(
        id=identified(str(telegram_id)),
        telegram_id=telegram_id,
        first_name="Alice",
        role="user",
        status="active",
        is_invited=True,
        language_code="en",
        language=None,
        timezone="Europe/Berlin",
        assistant_id=None,
        version=1,
    )
    return snapshot.model_copy(update=changes)


class Desk:
    """Messages go in at `say`, what the person gets comes out."""

    def __init__(
        self,
        redis: Redis,
        model_url: str,
        fallback_model: str | None = None,
        rest: RestService | None = None,
    ) -> None:
        self.redis = redis
        self.rest = rest or RestService()
        self.clock = Clock()
        self.mailbox = Mailbox(redis, "in", replies_to="out", lease_seconds=5)
        self.replies = Mailbox(redis, "out")
        self.configuration = ConfigurationStore(redis, redis)
        self.window = Window(20, 32_000)
        self.provider = ProviderSnapshot(
            id=identified("provider"), name="scripted", base_url=model_url
        )
        self.models: dict[str, ModelSnapshot] = {}
        """Of models that differ from `served`."""
        self._default_models = ("default-model", *([fallback_model] if fallback_model else ()))
        self._catalogues = Catalogues(Vault(()))
        self.model_client = ModelClient()
        settings = RestClientSettings(
            rest_service_url="http://rest",
            service_api_token=SecretStr("token-of-sixteen-letters"),
        )
        self.client = RestServiceClient(ServiceClient(settings, httpx2.MockTransport(self.rest)))
        self.sky = Sky()
        self.weather = OpenMeteo(transport=httpx2.MockTransport(self.sky))
        self.services = ToolServices(self.client, self.clock, self.weather)
        self.history = HistoryStore(redis, HistoryArchive(self.client))
        self.orchestrator = self.build()
        self._numbers = itertools.count(1)

    def build(self) -> AssistantOrchestrator:
        """A replica: nothing is shared with another but Redis, the model and rest_service."""
        users = UserStore(self.redis, self.client)
        history = HistoryStore(self.redis, HistoryArchive(self.client))
        answering = Answering(
            self.mailbox,
            history,
            LiveFrames(self.redis),
            self.clock,
            "UTC",
            Budgets(self.redis, self.client, self.clock),
        )
        return AssistantOrchestrator(
            self.mailbox,
            self.configuration,
            users,
            Commands(self.client, users, history),
            answering,
            self._factory,
        )

    def _factory(self, snapshot: ConfigurationSnapshot) -> AssistantFactory:
        catalogue = self._catalogues.of(snapshot)
        return AssistantFactory(catalogue, self.model_client, self.services, self.window)

    async def close(self) -> None:
        """Close its connections."""
        await self._catalogues.close()
        await self.client.close()
        await self.weather.close()

    def connection(self) -> Any:
        """The client of the endpoint that models are asked by now."""
        (endpoint,) = self._catalogues._endpoints._known.values()
        return endpoint._client

    async def configure(self, *assistants: AssistantSnapshot, version: int = 1) -> None:
        """What rest_service would write; every model that is named has a record."""
        wanted = [name for one in assistants for name in (one.model, *(one.fallback_models or ()))]
        names = dict.fromkeys([*self._default_models, *filter(None, wanted), *self.models])
        snapshot = ConfigurationSnapshot(
            version=version,
            assistants=assistants,
            providers=(self.provider,),
            models=tuple(self.models.get(name) or served(name) for name in names),
            default_models=self._default_models,
        )
        await self.redis.set(CONFIGURATION_KEY, snapshot.model_dump_json())
        await self.configuration.refresh()

    async def introduce(self, user: UserSnapshot) -> None:
        """What rest_service would write of a person."""
        await self.redis.set(user_key(user.telegram_id), user.model_dump_json())

    def message(self, text: str, **changes: Any) -> UserMessage:
        """A message of Alice's."""
        number = next(self._numbers)
        message = UserMessage(
            id=f"tg:{BOT}:{number}",
            conversation=f"tg:{BOT}:{ALICE}",
            chat_id=ALICE,
            correlation_id=f"correlation-{number}",
            created_at=WRITTEN_AT,
            sender=Sender(telegram_id=ALICE, first_name="Alice", language_code="en"),
            text=text,
            telegram_message_id=number,
        )
        return message.model_copy(update=changes)

    def command(self, name: Literal["new", "undo"] = "new") -> UserCommand:
        """Alice's command."""
        fields = self.message("").model_dump(include=set(UserCommand.model_fields) - {"kind"})
        return UserCommand(**fields, name=name)

    async def deliver(self, message: Any) -> Delivery:
        """Put a message into the queue and take it, as a worker would."""
        letter = Letter(message.id, message.conversation, message.model_dump_json())
        await self.mailbox.create()
        await self.mailbox.enqueue(letter)
        return await self.take()

    async def take(self) -> Delivery:
        """The next message of the queue."""
        entry = await self.mailbox.receive(self.redis, "worker", 1.0)
        assert entry is not None
        delivery = await self.mailbox.begin(entry)
        assert delivery is not None
        return delivery

    async def handle(self, delivery: Delivery) -> Outcome:
        """Process a message and end it."""
        outcome = await self.orchestrator.process_message(delivery)
        await self.mailbox.finish(delivery, outcome)
        return outcome

    async def say(self, text: str, **changes: Any) -> Reply | Notice:
        """The one answer to a message."""
        return self.only(await self.handle(await self.deliver(self.message(text, **changes))))

    @staticmethod
    def only(outcome: Outcome) -> Reply | Notice:
        """The outcome's one letter."""
        (letter,) = outcome.replies
        read = TO_TELEGRAM.validate_json(letter.payload)
        assert isinstance(read, Reply | Notice)
        return read

    async def records(self) -> list[TurnRecord]:
        """What went to the archive."""
        entries = await answer(self.redis.xrange(TURNS_STREAM))
        return [TurnRecord.model_validate_json(fields["record"]) for _, fields in entries]
