"""The assistant: answers what comes in queue:to_secretary. All of it is put together here."""

import time

from smart_kit.clock import Clock
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.guarded_http import GuardedHttp
from smart_kit.health import Health
from smart_kit.mailbox import Mailbox, Reconciliation, Watch, Worker
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.rest_client import ServiceClient
from smart_kit.service import health_routes, http_loop, launch, run_loops
from smart_kit.vault import Vault

from .answering import Answering
from .assistants.factory import AssistantFactory
from .commands import Commands
from .config.settings import AssistantSettings
from .messages.window import Window
from .orchestrator import AssistantOrchestrator
from .services.budget import Budgets
from .services.kept_calls import KeptCalls
from .services.live_frames import LiveFrames
from .services.models.catalogue import Catalogues
from .services.models.client import ModelClient
from .services.open_meteo import OpenMeteo
from .services.rest_service import RestServiceClient
from .storage.configuration import ConfigurationStore
from .storage.history import HistoryStore
from .storage.history_archive import HistoryArchive
from .storage.users import UserStore
from .tools.base import ToolServices

LONGEST_SILENCE_SECONDS = 30.0
"""After so long without a good read of the queue this replica is not healthy."""


async def serve(settings: AssistantSettings) -> None:
    """Answer messages until told to stop."""
    redis, blocking = connect(settings), connect_blocking(settings)
    rest, weather = RestServiceClient(ServiceClient(settings)), OpenMeteo(settings.weather_api_url)
    outside, vault = GuardedHttp(settings.private_hosts), Vault(settings.vault_keys)
    catalogues = Catalogues(vault)
    configuration = ConfigurationStore(redis, blocking)
    mailbox = Mailbox(
        redis, settings.redis_queue_to_secretary, replies_to=settings.redis_queue_to_telegram
    )
    services = ToolServices(
        rest, Clock(), weather, send=outside.send, vault=vault, kept=KeptCalls(redis)
    )
    orchestrator = _orchestrator(settings, redis, mailbox, configuration, services, catalogues)
    worker = Worker(
        mailbox,
        blocking,
        orchestrator.process_message,
        orchestrator.apologise,
        slots=settings.assistant_slots,
    )
    watch = Watch(mailbox)
    health = _health(worker, configuration)
    health.tell(watch.note)
    try:
        await run_loops(
            worker.run,
            watch.run,
            Reconciliation(redis, mailbox.name).run,
            configuration.watch,
            http_loop(health_routes(health), settings.bind_host, settings.assistant_port),
        )
    finally:
        for resource in (catalogues, rest, weather, outside):
            await resource.close()
        for client in (redis, blocking):
            await client.aclose()


def _orchestrator(
    settings: AssistantSettings,
    redis: Redis,
    mailbox: Mailbox,
    configuration: ConfigurationStore,
    services: ToolServices,
    catalogues: Catalogues,
) -> AssistantOrchestrator:
    rest = services.rest
    users, history = UserStore(redis, rest), HistoryStore(redis, HistoryArchive(rest))
    window = Window(settings.max_context_messages, settings.max_context_length)
    answering = Answering(
        mailbox,
        history,
        LiveFrames(redis),
        services.clock,
        settings.default_timezone,
        Budgets(redis, rest, services.clock),
    )
    client = ModelClient()

    def make_factory(snapshot: ConfigurationSnapshot) -> AssistantFactory:
        return AssistantFactory(catalogues.of(snapshot), client, services, window)

    commands = Commands(rest, users, history)
    return AssistantOrchestrator(mailbox, configuration, users, commands, answering, make_factory)


def _health(worker: Worker, configuration: ConfigurationStore) -> Health:
    health = Health("assistant")

    def queue() -> str | None:
        if worker.last_read_at is None:
            return "The queue has not been read yet."
        silence = time.monotonic() - worker.last_read_at
        if silence > LONGEST_SILENCE_SECONDS:
            return f"The queue was last read {silence:.0f} s ago."
        return None

    def configured() -> str | None:
        if configuration.current is None:
            return "rest_service has not written a configuration yet."
        if not any(one.is_secretary for one in configuration.current.assistants):
            return "No secretary is active."
        return None

    health.add("queue", queue)
    health.add("configuration", configured)
    return health


if __name__ == "__main__":
    launch("assistant", AssistantSettings, serve)
