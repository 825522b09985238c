"""Changes the length of leases, in this process only."""

from datetime import timedelta
from importlib import import_module

from smart_kit.mailbox import Mailbox
from smart_kit.mailbox.mailbox import SIGN_OF_LIFE_SECONDS


def shorten_leases(service: str, seconds: float) -> None:
    """Shorten the leases of a service. Call it before its main module imports their readers.

    Raises AttributeError if a constant does not exist any more.
    """
    Mailbox.__init__.__kwdefaults__ = {
        "reply_queue": None,
        "lease_seconds": seconds,
        "sign_of_life_seconds": min(seconds, SIGN_OF_LIFE_SECONDS),
    }
    if service == "rest_service":
        set_constant("rest_service.app.background.archive_consumer", "CLAIM_IDLE_SECONDS", seconds)
        dispatch_timeout = timedelta(seconds=seconds + 0.5)
        set_constant(
            "rest_service.app.services.cron_jobs.claims", "DISPATCH_TIMEOUT", dispatch_timeout
        )
    if service == "tg_bot":
        from tg_bot.src.services.lease import LEASE_SECONDS

        set_bot_lease(min(seconds, LEASE_SECONDS))


def set_bot_lease(seconds: float) -> None:
    """Set how long tg_bot may serve its bot without renewing the leader lease."""
    from tg_bot.src.services.lease import LeaderLease  # imported in tg_bot's process only

    (_,) = LeaderLease.__init__.__defaults__ or ()
    LeaderLease.__init__.__defaults__ = (seconds,)


def set_constant(module: str, name: str, value: object) -> None:
    """Replace a constant of a module. Raises AttributeError if it does not exist."""
    imported = import_module(module)
    getattr(imported, name)
    setattr(imported, name, value)
