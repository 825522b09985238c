"""Asking the operator before something is deleted."""

import sys
from collections.abc import Iterable

from control.arguments import USAGE
from control.errors import ControlError
from control.terminal import Terminal


def require(terminal: Terminal, things: Iterable[str], *, is_given: bool) -> None:
    """Name what will be deleted, one line a thing, and ask for a yes unless it is given.

    Raises ControlError where the answer is no, or where nobody is at the terminal to answer.
    """
    terminal.line("This deletes for good:")
    for thing in things:
        terminal.line(f"  {thing}")
    if is_given:
        return
    if not sys.stdin.isatty():
        raise ControlError("nothing is deleted: without a terminal to ask at, add --yes", USAGE)
    if input("Delete it? Type yes: ").strip().lower() != "yes":
        raise ControlError("nothing is deleted")
