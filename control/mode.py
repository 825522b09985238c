"""The interface of a mode: what commands need of the containers or processes of a suite."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Literal

from control.context import Context
from control.finding import Finding
from control.log_tail import LogEntry

ModeName = Literal["docker", "local"]
RunAlembic = Callable[..., int]
"""Runs Alembic with some arguments; returns its exit status."""


@dataclass(frozen=True)
class LogSource:
    """The logs of some components."""

    names: Sequence[str]
    read_last: Callable[[int], list[LogEntry]]
    """Returns the last entries of all logs together, oldest first."""
    follow: Callable[[], Iterator[LogEntry]]
    """Yields the entries after those of `read_last`, as they are written."""


@dataclass(frozen=True)
class RemovableData:
    """The data of a suite."""

    descriptions: Iterable[str]
    """One line for each thing that will be deleted."""
    delete: Callable[[], None]
    """Stops the suite and deletes its data. Continues where an interrupted call ended."""
    list_remaining: Callable[[], Iterable[str]]
    """Lines about what was not deleted."""


@dataclass(frozen=True)
class Mode(ABC):
    """One way to run the suite. Every method may raise ControlError."""

    context: Context
    name: ClassVar[ModeName]

    @abstractmethod
    def is_available(self) -> bool:
        """Return whether this machine can run the suite in this mode."""

    @abstractmethod
    def is_running(self) -> bool:
        """Return whether any part of the suite runs."""

    def ensure_other_mode_stopped(self) -> None:
        """Raise ControlError if the suite runs in the other mode, which uses the same ports."""
        return

    def ensure_manageable(self) -> None:
        """Raise ControlError if manage.py must not change single parts of the suite."""
        return

    @abstractmethod
    def start(
        self, services: Iterable[str] = (), replicas: Mapping[str, int] | None = None
    ) -> bool:
        """Start these services, or all, and wait. Return whether all of them are healthy."""

    @abstractmethod
    def stop(self) -> bool:
        """Stop the suite and wait until it is gone. Return False if nothing was running."""

    @abstractmethod
    def stop_services(self, services: Sequence[str]) -> bool:
        """Stop some services and wait. Return False if the suite was not running."""

    @abstractmethod
    def restart_services(self, services: Sequence[str]) -> bool:
        """Restart some services with the current settings. Return whether they are healthy."""

    @abstractmethod
    def rebuild(self, services: Sequence[str]) -> bool:
        """Install the dependencies again and restart what runs. Return whether it is healthy."""

    @abstractmethod
    def list_running_services(self) -> frozenset[str]:
        """Return the names of the services that run."""

    @abstractmethod
    def find_service_problems(self, services: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield (service, problem) for each process of these services; healthy ones have ""."""

    @abstractmethod
    def show_status(self, services: Sequence[str]) -> bool:
        """Print the table of these services, or of all. Return whether they are healthy."""

    @abstractmethod
    def diagnose(self) -> Iterator[Finding]:
        """Yield what `doctor` reports about the suite."""

    @abstractmethod
    def open_logs(self, services: Sequence[str]) -> LogSource:
        """Return the logs of these services, or of all; its names are empty before a start."""

    @abstractmethod
    def provide_database(self) -> AbstractContextManager[RunAlembic]:
        """Provide a running database inside the context."""

    @abstractmethod
    def find_removable_data(self, *, is_confirmed: bool) -> RemovableData | None:
        """Return the data of the suite; None if there is none."""

    @abstractmethod
    def run_tests(self, options: argparse.Namespace) -> int:
        """Return the exit status of pytest."""
