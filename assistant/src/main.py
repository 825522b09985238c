"""Composition root of the assistant, which answers the messages of queue:to_secretary."""

import time

from smart_kit.clock import Clock
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.health import Health
from smart_kit.mailbox import Mailbox, MailboxReconciler, QueueMonitor, Worker
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.rest_client import ServiceClient
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.service import aiohttp_loop, build_health_app, launch, run_loops
from smart_kit.vault import Vault

from .assistants.factory import AssistantFactory
from .commands import CommandHandler
from .config.settings import AssistantSettings
from .messages.context_window import ContextWindow
from .orchestrator import AssistantOrchestrator
from .services.budget import BudgetStore
from .services.models.client import ModelClient
from .services.models.model_registry import ModelRegistry
from .services.models.transport.endpoint_pool import EndpointPool
from .services.open_meteo import OpenMeteoClient
from .services.rest_service import RestServiceClient
from .services.tool_result_cache import ToolResultCache
from .storage.configuration import ConfigurationStore
from .storage.history import HistoryStore
from .storage.history_archive import HistoryArchive
from .storage.users import UserStore
from .tools.base import ToolServices
from .turn_runner import TurnRunner

MAX_QUEUE_READ_AGE_SECONDS = 30.0
"""Seconds without a successful read of the queue after which this replica is unhealthy."""


async def serve(settings: AssistantSettings) -> None:
    """Answer messages until the process is stopped."""
    redis, blocking = connect(settings), connect_blocking(settings)
    rest, weather = (
        RestServiceClient(ServiceClient(settings)),
        OpenMeteoClient(settings.weather_api_url),
    )
    safe_http, vault = SafeHttpClient(settings.private_hosts), Vault(settings.vault_keys)
    endpoints = EndpointPool()
    configuration = ConfigurationStore(redis, blocking)
    mailbox = Mailbox(
        redis, settings.redis_queue_to_secretary, reply_queue=settings.redis_queue_to_telegram
    )
    services = ToolServices(rest, Clock(), weather, safe_http.send, vault, ToolResultCache(redis))
    orchestrator = _build_orchestrator(settings, redis, mailbox, configuration, services, endpoints)
    worker = Worker(
        mailbox,
        blocking,
        orchestrator.process_message,
        orchestrator.on_dead_letter,
        slots=settings.assistant_slots,
    )
    queue_monitor = QueueMonitor(mailbox)
    health = _build_health(worker, configuration)
    health.add_note(queue_monitor.health_note)
    try:
        await run_loops(
            worker.run,
            queue_monitor.run,
            MailboxReconciler(redis, mailbox.name).run,
            configuration.watch,
            aiohttp_loop(build_health_app(health), settings.bind_host, settings.assistant_port),
        )
    finally:
        for resource in (endpoints, rest, weather, safe_http):
            await resource.close()
        for client in (redis, blocking):
            await client.aclose()


def _build_orchestrator(
    settings: AssistantSettings,
    redis: Redis,
    mailbox: Mailbox,
    configuration: ConfigurationStore,
    services: ToolServices,
    endpoints: EndpointPool,
) -> AssistantOrchestrator:
    rest = services.rest
    users, history = UserStore(redis, rest), HistoryStore(redis, HistoryArchive(rest))
    window = ContextWindow(settings.max_context_messages, settings.max_context_length)
    turn_runner = TurnRunner(
        mailbox,
        history,
        redis,
        services.clock,
        settings.default_timezone,
        BudgetStore(redis, rest, services.clock),
    )
    client = ModelClient()

    def make_factory(snapshot: ConfigurationSnapshot) -> AssistantFactory:
        registry = ModelRegistry(snapshot, endpoints, services.vault)
        return AssistantFactory(registry, client, services, window)

    commands = CommandHandler(rest, users, history)
    return AssistantOrchestrator(mailbox, configuration, users, commands, turn_runner, make_factory)


def _build_health(worker: Worker, configuration: ConfigurationStore) -> Health:
    health = Health("assistant")

    def check_queue() -> str | None:
        if worker.last_read_at is None:
            return "The queue has not been read yet."
        read_age = time.monotonic() - worker.last_read_at
        if read_age > MAX_QUEUE_READ_AGE_SECONDS:
            return f"The queue was last read {read_age:.0f} s ago."
        return None

    def check_configuration() -> str | None:
        if configuration.current is None:
            return "rest_service has not written a configuration yet."
        if not any(one.is_secretary for one in configuration.current.assistants):
            return "No secretary is active."
        return None

    health.add_check("queue", check_queue)
    health.add_check("configuration", check_configuration)
    return health


if __name__ == "__main__":
    launch("assistant", AssistantSettings, serve)
