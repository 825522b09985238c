"""Asking the operator before something is deleted."""

import sys
from collections.abc import Iterable

from control.argument_types import USAGE_ERROR_STATUS
from control.errors import ControlError
from control.terminal import Terminal


def confirm_deletion(terminal: Terminal, items: Iterable[str], *, is_confirmed: bool) -> None:
    """Name what will be deleted, one line a thing, and ask for a yes unless it is given.

    Raises ControlError where the answer is no, or where nobody is at the terminal to answer.
    """
    terminal.print_line("This deletes for good:")
    for thing in items:
        terminal.print_line(f"  {thing}")
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise ControlError(
            "nothing is deleted: without a terminal to ask at, add --yes", USAGE_ERROR_STATUS
        )
    if input("Delete it? Type yes: ").strip().lower() != "yes":
        raise ControlError("nothing is deleted")
