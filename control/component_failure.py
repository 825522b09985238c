"""A part of the suite that is not well, as `start`, `restart` and `rebuild` report it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ComponentFailure:
    """Why a part is not well."""

    name: str
    """Of the service or replica, as `status` shows it."""
    reason: str
    """One line."""
    log_tail: tuple[str, ...] = ()
    """The end of its log, oldest line first; empty where the log says nothing."""
