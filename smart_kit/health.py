"""What a service says of itself at `/health`."""

from collections.abc import Callable
from typing import TypedDict

from smart_kit.version import get_version

HealthCheck = Callable[[], str | None]
"""None where all is well, else what is wrong, in a sentence."""


class HealthReport(TypedDict):
    """The body of `/health`."""

    status: str
    service: str
    version: str
    detail: str
    """What is wrong, in one line."""
    note: str
    """What an operator should know although nothing is wrong."""
    checks: dict[str, str]


class Health:
    """Named probes, asked anew each time; they must be cheap and never block."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, HealthCheck] = {}
        self._notes: list[Callable[[], str]] = []

    def add_check(self, name: str, check: HealthCheck) -> None:
        """Ask this too."""
        self._checks[name] = check

    def add_note(self, note: Callable[[], str]) -> None:
        """Say this too, where it is not empty."""
        self._notes.append(note)

    def report(self) -> HealthReport:
        """`status` is "ok" or "unavailable"; `checks` has "ok" or a sentence for each probe."""
        checks = {name: probe() or "ok" for name, probe in self._checks.items()}
        failed = [f"{name}: {said}" for name, said in checks.items() if said != "ok"]
        return {
            "status": "unavailable" if failed else "ok",
            "service": self._service,
            "version": get_version(),
            "detail": "; ".join(failed),
            "note": "; ".join(filter(None, (note() for note in self._notes))),
            "checks": checks,
        }
