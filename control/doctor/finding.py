"""What one check has found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A line for the operator."""

    subject: str
    said: str
    verdict: Literal["well", "doubtful", "wrong"] = "well"
    advice: str = ""
    """What to do; for all that is not well."""


def doubtful(subject: str, said: str, advice: str) -> Finding:
    return Finding(subject, said, "doubtful", advice)


def wrong(subject: str, said: str, advice: str) -> Finding:
    return Finding(subject, said, "wrong", advice)
