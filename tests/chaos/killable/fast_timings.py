"""Shortens timings of production, in this process only: a test cannot wait so long."""

from smart_kit.mailbox import Reconciliation
from tests.chaos.launched.leases import change, shorten_leases

LEASE_SECONDS = 1.5
"""Long beside a stall on a busy machine, short beside 30 s; what is left of it after a death is
waited for in most cases."""

CONSTANTS: dict[str, tuple[tuple[str, str, object], ...]] = {
    "assistant": (
        ("assistant.src.commands", "NO_REST_SECONDS", 0.3),
        ("assistant.src.tools.writing_tool", "RETRY_SECONDS", 0.3),
    ),
    "rest_service": (("rest_service.app.snapshots.reconciler", "RECONCILE_SECONDS", 1.0),),
    "tg_bot": (("tg_bot.src.services.identity", "CHECK_SECONDS", 0.5),),
}
"""Of each service: module, name, value. Set before its `main` imports what reads them."""


def shorten_timings(service: str) -> None:
    """Raises AttributeError for a constant that is no longer there."""
    shorten_leases(service, LEASE_SECONDS)
    Reconciliation.__init__.__defaults__ = (1.0,)
    for constant in CONSTANTS.get(service, ()):
        change(*constant)
