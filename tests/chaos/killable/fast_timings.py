"""Shortens timings of production in this process, because tests cannot wait that long.

Message leases keep their length: a process that the machine stalls would lose a shorter one. The
leases of killed processes are ended when the next process starts, see stale_leases.py.
"""

from datetime import timedelta

from smart_kit.mailbox.mailbox import LEASE_SECONDS
from tests.chaos.launcher.leases import set_bot_lease, set_constant

RENEWALS_PER_LEASE = 60
"""A lease of production length is renewed every half second."""

_FREQUENT_RENEWALS = ("smart_kit.mailbox.worker", "RENEWALS_PER_LEASE", RENEWALS_PER_LEASE)

CONSTANTS: dict[str, tuple[tuple[str, str, object], ...]] = {
    "assistant": (
        _FREQUENT_RENEWALS,
        ("assistant.src.commands", "REST_SERVICE_RETRY_SECONDS", 0.3),
        ("assistant.src.tools.mutating_tool", "RETRY_SECONDS", 0.3),
    ),
    "rest_service": (
        ("rest_service.app.background.snapshot_reconciler", "RECONCILE_INTERVAL_SECONDS", 1.0),
        # a claim may expire too early, because the queue deduplicates the run
        ("rest_service.app.services.cron_jobs.claims", "DISPATCH_TIMEOUT", timedelta(seconds=2)),
    ),
    "tg_bot": (
        _FREQUENT_RENEWALS,
        ("tg_bot.src.services.lease", "CLAIMS_PER_LEASE", RENEWALS_PER_LEASE),
        ("tg_bot.src.services.identity_publisher", "PUBLISH_INTERVAL_SECONDS", 0.5),
    ),
}
"""By service: module, constant, value. They are set before `main` imports their readers."""


def shorten_timings(service: str) -> None:
    """Set the constants of a service. Raises AttributeError for a constant that does not exist."""
    set_constant("smart_kit.mailbox.wakeup_reconciler", "INTERVAL_SECONDS", 1.0)
    for constant in CONSTANTS.get(service, ()):
        set_constant(*constant)
    if service == "tg_bot":
        set_bot_lease(LEASE_SECONDS)  # longer than the 5 s of production, so no stall loses it
