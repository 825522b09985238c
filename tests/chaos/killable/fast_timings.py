"""Shortens timings of production, in this process only: a test cannot wait so long.

No lease is shortened that a living process may not lose: it would, where the machine stalls it.
Those of the dead are ended when the next process begins, see predecessor.py.
"""

from datetime import timedelta

from smart_kit.mailbox import MailboxReconciler
from smart_kit.mailbox.mailbox import LEASE_SECONDS
from tests.chaos.launcher.leases import set_bot_lease, set_constant

RENEWALS_PER_LEASE = 60
"""So that somebody who holds a lease of production renews it each half second."""

_FREQUENT_RENEWALS = ("smart_kit.mailbox.worker", "RENEWALS_PER_LEASE", RENEWALS_PER_LEASE)

CONSTANTS: dict[str, tuple[tuple[str, str, object], ...]] = {
    "assistant": (
        _FREQUENT_RENEWALS,
        ("assistant.src.commands", "REST_SERVICE_RETRY_SECONDS", 0.3),
        ("assistant.src.tools.mutating_tool", "RETRY_SECONDS", 0.3),
    ),
    "rest_service": (
        ("rest_service.app.background.snapshot_reconciler", "RECONCILE_INTERVAL_SECONDS", 1.0),
        # who has claimed a run may lose it: the queue drops the double
        ("rest_service.app.services.cron_jobs.claims", "DISPATCH_TIMEOUT", timedelta(seconds=2)),
    ),
    "tg_bot": (
        _FREQUENT_RENEWALS,
        ("tg_bot.src.services.leader", "CLAIMS_PER_LEASE", RENEWALS_PER_LEASE),
        ("tg_bot.src.services.bot_profile", "PUBLISH_INTERVAL_SECONDS", 0.5),
    ),
}
"""Of each service: module, name, value. Set before its `main` imports what reads them."""


def shorten_timings(service: str) -> None:
    """Raises AttributeError for a constant that is no longer there."""
    MailboxReconciler.__init__.__defaults__ = (1.0,)
    for constant in CONSTANTS.get(service, ()):
        set_constant(*constant)
    if service == "tg_bot":
        set_bot_lease(LEASE_SECONDS)  # as long as a message's: it is 5 s in production
