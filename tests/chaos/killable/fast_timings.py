"""Shortens timings of production, in this process only: a test cannot wait so long."""

from datetime import timedelta
from importlib import import_module

from smart_kit.mailbox import Mailbox, Reconciliation

LEASE_SECONDS = 1.5
"""Long beside a stall on a busy machine, short beside 30 s; what is left of it after a death is
waited for in most cases."""

CONSTANTS: dict[str, tuple[tuple[str, str, object], ...]] = {
    "assistant": (
        ("assistant.src.commands", "NO_REST_SECONDS", 0.3),
        ("assistant.src.tools.writing_tool", "RETRY_SECONDS", 0.3),
    ),
    "rest_service": (
        ("rest_service.app.services.claims", "DISPATCH", timedelta(seconds=2)),
        ("rest_service.app.archive.reader", "TAKE_OVER_SECONDS", LEASE_SECONDS),
        ("rest_service.app.snapshots.reconciler", "RECONCILE_SECONDS", 1.0),
    ),
    "tg_bot": (("tg_bot.src.services.identity", "CHECK_SECONDS", 0.5),),
}
"""Of each service: module, name, value. Set before its `main` imports what reads them."""


def shorten_timings(service: str) -> None:
    """Raises AttributeError for a constant that is no longer there."""
    Mailbox.__init__.__kwdefaults__ = {"replies_to": None, "lease_seconds": LEASE_SECONDS}
    Reconciliation.__init__.__defaults__ = (1.0,)
    for module, name, value in CONSTANTS.get(service, ()):
        found = import_module(module)
        getattr(found, name)
        setattr(found, name, value)
    if service == "tg_bot":
        from tg_bot.src.services.lease import Lease

        Lease.__init__.__defaults__ = (LEASE_SECONDS,)
