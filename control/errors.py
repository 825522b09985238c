"""Errors that are shown to the operator."""

import difflib
from collections.abc import Iterable


class ControlError(Exception):
    """An error that is shown as one line."""

    status = 1
    """The exit status."""


class UsageError(ControlError):
    """An error in the command line."""

    status = 2


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a question that names the most similar known word, or `otherwise` without one."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
