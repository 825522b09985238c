"""The report of a service at `/health`."""

from collections.abc import Callable
from typing import TypedDict

from smart_kit.version import get_version

HealthCheck = Callable[[], str | None]
"""Returns None, or an error in one sentence."""


class HealthReport(TypedDict):
    """The body of `/health`."""

    status: str
    service: str
    version: str
    detail: str
    """The failed checks, in one line."""
    note: str
    """Information for the operator that is not an error."""
    checks: dict[str, str]


class Health:
    """Named checks, which run at each request; they must be cheap and must not block."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, HealthCheck] = {}
        self._notes: list[Callable[[], str]] = []

    def add_check(self, name: str, check: HealthCheck) -> None:
        """Add a check, or replace the one of this name."""
        self._checks[name] = check

    def add_note(self, note: Callable[[], str]) -> None:
        """Add a source of notes; empty notes are left out."""
        self._notes.append(note)

    def report(self) -> HealthReport:
        """Run the checks. `status` is "ok" or "unavailable"; each check is "ok" or an error."""
        checks = {name: check() or "ok" for name, check in self._checks.items()}
        failed = [f"{name}: {result}" for name, result in checks.items() if result != "ok"]
        return {
            "status": "unavailable" if failed else "ok",
            "service": self._service,
            "version": get_version(),
            "detail": "; ".join(failed),
            "note": "; ".join(filter(None, (note() for note in self._notes))),
            "checks": checks,
        }
