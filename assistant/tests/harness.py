"""Runs the assistant as main.py assembles it, with a test queue, model and rest_service."""

import itertools
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import httpx2
from pydantic import SecretStr

from assistant.src.assistants.factory import AssistantFactory
from assistant.src.commands import CommandHandler
from assistant.src.core.turn import TURN_TIMEOUT_SECONDS
from assistant.src.messages.context_window import ContextWindow
from assistant.src.orchestrator import AssistantOrchestrator
from assistant.src.services.budget import BudgetFactory
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import ModelRegistry
from assistant.src.services.models.transport.endpoint import EndpointPool
from assistant.src.services.open_meteo import OpenMeteoClient
from assistant.src.services.rest_service import RestServiceClient
from assistant.src.services.tool_result_cache import ToolResultCache
from assistant.src.storage.configuration import ConfigurationStore
from assistant.src.storage.history import HistoryStore
from assistant.src.storage.users import UserStore
from assistant.src.tools.base import ToolServices
from assistant.src.turn_runner import TurnRunner
from assistant.tests.fake_open_meteo import FakeOpenMeteo
from assistant.tests.fake_rest_service import FakeRestService
from assistant.tests.snapshot_builders import ALICE, BOT, SENT_AT, id_for, make_model
from smart_kit.clock import Clock
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ProviderSnapshot,
)
from smart_kit.contracts.keys import CONFIGURATION_KEY, TURNS_STREAM, user_key
from smart_kit.contracts.queue import (
    TO_TELEGRAM_ADAPTER,
    Notice,
    Reply,
    Sender,
    UserCommand,
    UserMessage,
)
from smart_kit.contracts.threads import TurnRecord
from smart_kit.contracts.users import UserSnapshot
from smart_kit.mailbox import Delivery, Envelope, Mailbox, Outcome
from smart_kit.redis import Redis, await_result
from smart_kit.rest_client import RestClientSettings, ServiceClient
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from smart_kit.safe_http.messages import HttpRequest, HttpResponse
from smart_kit.vault import Vault


async def _refuse_request(_: HttpRequest) -> HttpResponse:
    raise AssertionError("this test has no external server")


class AssistantHarness:
    """The assistant with its dependencies: `say` sends a message and returns the reply."""

    def __init__(
        self,
        redis: Redis,
        model_url: str,
        fallback_model: str | None = None,
        rest: FakeRestService | None = None,
    ) -> None:
        self.redis = redis
        self.rest = rest or FakeRestService()
        self.clock = Clock()
        self.mailbox = Mailbox(redis, "in", reply_queue="out", lease_seconds=5)
        self.replies = Mailbox(redis, "out")
        self.configuration = ConfigurationStore(redis, redis)
        self.window = ContextWindow(20, 32_000)
        self.provider = ProviderSnapshot(id=id_for("provider"), name="scripted", base_url=model_url)
        self.models: dict[str, ModelSnapshot] = {}
        """Records of models that differ from `model_snapshot`."""
        self._default_models = ("default-model", *([fallback_model] if fallback_model else ()))
        self._endpoints = EndpointPool()
        self.model_client = ModelClient()
        settings = RestClientSettings(
            rest_service_url="http://rest",
            service_api_token=SecretStr("token-of-sixteen-letters"),
        )
        transport = Httpx2Transport("http://rest", httpx2.MockTransport(self.rest))
        self.client = RestServiceClient(  # tests delay responses until a turn has no time left
            ServiceClient(settings, transport, timeout_seconds=TURN_TIMEOUT_SECONDS + 1)
        )
        self.fake_open_meteo = FakeOpenMeteo()
        self.weather = OpenMeteoClient(transport=httpx2.MockTransport(self.fake_open_meteo))
        self.services = ToolServices(
            self.client,
            self.clock,
            self.weather,
            _refuse_request,
            Vault(()),
            ToolResultCache(redis),
        )
        self.history = HistoryStore(redis, self.client)
        self.orchestrator = self.build_orchestrator()
        self._message_numbers = itertools.count(1)

    def build_orchestrator(self) -> AssistantOrchestrator:
        """Build a replica, which shares only Redis, model and rest_service with others."""
        users = UserStore(self.redis, self.client)
        history = HistoryStore(self.redis, self.client)
        answering = TurnRunner(
            self.mailbox,
            history,
            self.redis,
            self.clock,
            ZoneInfo("America/New_York"),
            BudgetFactory(self.redis, self.client, self.clock, Decimal("0.5")),
        )
        return AssistantOrchestrator(
            self.mailbox,
            self.configuration,
            users,
            CommandHandler(self.client, users, history),
            answering,
            self._build_factory,
        )

    def _build_factory(self, snapshot: ConfigurationSnapshot) -> AssistantFactory:
        registry = ModelRegistry(snapshot, self._endpoints, Vault(()))
        return AssistantFactory(registry, self.model_client, self.services, self.window)

    async def close(self) -> None:
        """Close its connections."""
        await self._endpoints.close()
        await self.client.close()
        await self.weather.close()

    def get_model_connection(self) -> Any:
        """Return the session of the only endpoint."""
        (endpoint,) = self._endpoints._endpoints.values()
        return endpoint._session

    async def configure(self, *assistants: AssistantSnapshot, version: int = 1) -> None:
        """Write the snapshot of rest_service; every model named in it has a record."""
        wanted = [name for one in assistants for name in (one.model, *(one.fallback_models or ()))]
        names = dict.fromkeys([*self._default_models, *filter(None, wanted), *self.models])
        snapshot = ConfigurationSnapshot(
            version=version,
            assistants=assistants,
            providers=(self.provider,),
            models=tuple(self.models.get(name) or make_model(name) for name in names),
            default_models=self._default_models,
        )
        await self.redis.set(CONFIGURATION_KEY, snapshot.model_dump_json())
        await self.configuration.refresh()

    async def store_user(self, user: UserSnapshot) -> None:
        """Write the snapshot of a user."""
        await self.redis.set(user_key(user.telegram_id), user.model_dump_json())

    def make_message(self, text: str, **changes: Any) -> UserMessage:
        """Return a message of Alice."""
        number = next(self._message_numbers)
        message = UserMessage(
            id=f"tg:{BOT}:{number}",
            conversation=f"tg:{BOT}:{ALICE}",
            chat_id=ALICE,
            correlation_id=f"correlation-{number}",
            created_at=SENT_AT,
            sender=Sender(telegram_id=ALICE, first_name="Alice", language_code="en"),
            text=text,
            telegram_message_id=number,
        )
        return message.model_copy(update=changes)

    def make_command(self, name: Literal["new", "undo"] = "new") -> UserCommand:
        """Return a command of Alice."""
        fields = self.make_message("").model_dump(include=set(UserCommand.model_fields) - {"kind"})
        return UserCommand(**fields, name=name)

    async def deliver(self, message: Any) -> Delivery:
        """Put a message into the queue and receive it, as a worker does."""
        envelope = Envelope(message.id, message.conversation, message.model_dump_json())
        await self.mailbox.create_group()
        await self.mailbox.enqueue(envelope)
        return await self.receive()

    async def receive(self) -> Delivery:
        """Receive the next message of the queue."""
        (entry,) = await self.mailbox.receive(self.redis, "worker", 1.0)
        delivery = await self.mailbox.begin(entry)
        assert delivery is not None
        return delivery

    async def handle(self, delivery: Delivery) -> Outcome:
        """Process a message and finish it."""
        outcome = await self.orchestrator.process_message(delivery)
        await self.mailbox.finish(delivery, outcome)
        return outcome

    async def say(self, text: str, **changes: Any) -> Reply | Notice:
        """Send a message and return its only reply."""
        return self.parse_only_reply(
            await self.handle(await self.deliver(self.make_message(text, **changes)))
        )

    @staticmethod
    def parse_only_reply(outcome: Outcome) -> Reply | Notice:
        """Return the only reply of the outcome."""
        (envelope,) = outcome.replies
        read = TO_TELEGRAM_ADAPTER.validate_json(envelope.payload)
        assert isinstance(read, Reply | Notice)
        return read

    async def read_turn_records(self) -> list[TurnRecord]:
        """Return the records in the archive stream."""
        entries = await await_result(self.redis.xrange(TURNS_STREAM))
        return [TurnRecord.model_validate_json(fields["record"]) for _, fields in entries]
