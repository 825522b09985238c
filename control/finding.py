"""The result of a check of `doctor`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    subject: str
    message: str
    severity: Literal["ok", "warning", "error"] = "ok"
    advice: str = ""
    """What the operator can do about a warning or an error."""


def make_warning(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "warning", advice)


def make_error(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "error", advice)
