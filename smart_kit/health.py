"""What a service says of itself at `/health`."""

from collections.abc import Callable
from typing import TypedDict

Probe = Callable[[], str | None]
"""None where all is well, else what is wrong, in a sentence."""


class HealthReport(TypedDict):
    """The body of `/health`."""

    status: str
    service: str
    detail: str
    checks: dict[str, str]


class Health:
    """Named probes, asked anew each time; they must be cheap and never block."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._probes: dict[str, Probe] = {}

    def add(self, name: str, probe: Probe) -> None:
        """Ask this too."""
        self._probes[name] = probe

    def report(self) -> HealthReport:
        """`status` is "ok" or "unavailable"; `checks` has "ok" or a sentence for each probe."""
        checks = {name: probe() or "ok" for name, probe in self._probes.items()}
        failed = [f"{name}: {said}" for name, said in checks.items() if said != "ok"]
        return {
            "status": "unavailable" if failed else "ok",
            "service": self._service,
            "detail": "; ".join(failed),
            "checks": checks,
        }
