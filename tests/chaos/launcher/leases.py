"""Changes the leases of a service, in this process only."""

from datetime import timedelta
from importlib import import_module

from smart_kit.mailbox import Mailbox


def shorten_leases(service: str, seconds: float) -> None:
    """Call it before the service's main module imports what reads them.

    Raises AttributeError for a constant that is no longer there.
    """
    Mailbox.__init__.__kwdefaults__ = {"reply_queue": None, "lease_seconds": seconds}
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
    """How long a tg_bot may serve its bot without claiming it again."""
    from tg_bot.src.services.lease import LeaderLease  # in its own process only

    (_,) = LeaderLease.__init__.__defaults__ or ()
    LeaderLease.__init__.__defaults__ = (seconds,)


def set_constant(module: str, name: str, value: object) -> None:
    """Raises AttributeError for a constant that is no longer there."""
    found = import_module(module)
    getattr(found, name)
    setattr(found, name, value)
