"""The result of a check of `doctor`, or of what local mode requires of a machine."""

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

    def __str__(self) -> str:
        return f"{self.message}: {self.advice}"


def make_warning(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "warning", advice)


def make_error(subject: str, message: str, advice: str) -> Finding:
    return Finding(subject, message, "error", advice)
