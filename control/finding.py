"""What one check has found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A line for the operator."""

    subject: str
    message: str
    severity: Literal["ok", "warning", "error"] = "ok"
    advice: str = ""
    """What to do; for all that is not well."""


def make_warning(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "warning", advice)


def make_error(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "error", advice)
