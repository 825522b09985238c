"""Changes the leases of a service, in this process only."""

from datetime import timedelta
from importlib import import_module

from smart_kit.mailbox import Mailbox


def shorten_leases(service: str, seconds: float) -> None:
    """Call it before the service's main module imports what reads them.

    Raises AttributeError for a constant that is no longer there.
    """
    Mailbox.__init__.__kwdefaults__ = {"replies_to": None, "lease_seconds": seconds}
    if service == "rest_service":
        change("rest_service.app.archive.reader", "TAKE_OVER_SECONDS", seconds)
        change("rest_service.app.services.claims", "DISPATCH", timedelta(seconds=seconds + 0.5))
    if service == "tg_bot":
        from tg_bot.src.services.lease import LEASE_SECONDS

        change_bot_lease(min(seconds, LEASE_SECONDS))


def change_bot_lease(seconds: float) -> None:
    """How long a tg_bot may serve its bot without claiming it again."""
    from tg_bot.src.services.lease import Lease  # in its own process only

    (_,) = Lease.__init__.__defaults__ or ()
    Lease.__init__.__defaults__ = (seconds,)


def change(module: str, name: str, value: object) -> None:
    """Raises AttributeError for a constant that is no longer there."""
    found = import_module(module)
    getattr(found, name)
    setattr(found, name, value)
