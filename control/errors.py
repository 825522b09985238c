"""Errors that are shown to the operator."""

import difflib
from collections.abc import Iterable


class ControlError(Exception):
    """An error that is shown as one line, with the exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a question that names the most similar known word, or `otherwise` without one."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
