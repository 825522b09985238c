"""Composition root of the assistant, which answers the messages of queue:to_secretary."""

import time
from zoneinfo import ZoneInfo

from smart_kit.clock import Clock
from smart_kit.clock_follower import ClockFollower
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.health import Health
from smart_kit.mailbox import Mailbox, QueueMonitor, WakeupReconciler, Worker
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.rest_client import ServiceClient
from smart_kit.rest_client.aiohttp_transport import AiohttpTransport
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.service import build_aiohttp_server, build_health_app, launch, run_loops
from smart_kit.vault import Vault

from .assistants.factory import AssistantFactory
from .commands import CommandHandler
from .config.settings import AssistantSettings
from .messages.context_window import ContextWindow
from .orchestrator import AssistantOrchestrator
from .services.budget import BudgetFactory
from .services.models.client import ModelClient
from .services.models.model_registry import ModelRegistry
from .services.models.transport.endpoint import EndpointPool
from .services.open_meteo import OpenMeteoClient
from .services.rest_service import RestServiceClient
from .services.tool_result_cache import ToolResultCache
from .storage.configuration import ConfigurationStore
from .storage.history import HistoryStore
from .storage.users import UserStore
from .tools.base import ToolServices
from .turn_runner import TurnRunner

MAX_QUEUE_READ_AGE_SECONDS = 30.0
"""Seconds without a successful read of the queue after which this replica is unhealthy."""


async def serve(settings: AssistantSettings) -> None:
    """Answer messages until the process is stopped."""
    endpoints = EndpointPool()
    transport = AiohttpTransport(settings.rest_service_url)
    rest = RestServiceClient(ServiceClient(settings, transport))
    weather = OpenMeteoClient(settings.weather_api_url)
    safe_http = SafeHttpClient(settings.private_hosts)
    async with connect(settings) as redis, connect_for_blocking_reads(settings) as blocking:
        services = ToolServices(
            rest,
            Clock(),
            weather,
            safe_http.send,
            Vault(settings.vault_keys),
            ToolResultCache(redis),
        )
        try:
            await _run_worker(settings, redis, blocking, services, endpoints)
        finally:
            for resource in (endpoints, rest, weather, safe_http):
                await resource.close()


async def _run_worker(
    settings: AssistantSettings,
    redis: Redis,
    blocking: Redis,
    services: ToolServices,
    endpoints: EndpointPool,
) -> None:
    mailbox = Mailbox(
        redis, settings.redis_queue_to_secretary, reply_queue=settings.redis_queue_to_telegram
    )
    configuration = ConfigurationStore(redis, blocking)
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
    follower = ClockFollower(services.clock, redis, blocking)
    await run_loops(
        # first, so that the clock is known before the first message is answered
        *([follower.run] if settings.sandbox_clock else []),
        worker.run,
        queue_monitor.run,
        WakeupReconciler(redis, mailbox.name).run,
        configuration.watch,
        build_aiohttp_server(build_health_app(health), settings.bind_host, settings.assistant_port),
    )


def _build_orchestrator(
    settings: AssistantSettings,
    redis: Redis,
    mailbox: Mailbox,
    configuration: ConfigurationStore,
    services: ToolServices,
    endpoints: EndpointPool,
) -> AssistantOrchestrator:
    rest, clock = services.rest, services.clock
    users, history, client = UserStore(redis, rest), HistoryStore(redis, rest), ModelClient()
    window = ContextWindow(settings.max_context_messages, settings.max_context_length)
    budgets = BudgetFactory(redis, rest, clock, settings.scheduled_budget_share)
    zone = ZoneInfo(settings.default_timezone)
    turn_runner = TurnRunner(mailbox, history, redis, clock, zone, budgets)

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
        if not any(record.is_secretary for record in configuration.current.assistants):
            return "No secretary is active."
        return None

    health.add_check("queue", check_queue)
    health.add_check("configuration", check_configuration)
    return health


if __name__ == "__main__":
    launch("assistant", AssistantSettings, serve)
