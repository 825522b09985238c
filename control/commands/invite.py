"""Letting somebody in."""

import argparse

from control import invitation
from control.client import RequestFailed
from control.context import Context
from control.errors import ControlError


def run(context: Context, options: argparse.Namespace) -> int:
    try:
        made = invitation.create(context.settings, role="owner" if options.owner else "user")
    except RequestFailed as error:
        raise ControlError(f"{error} (is it running? ./manage.py status)") from error
    if context.settings.telegram_is_real:
        context.terminal.line(made.url)
        context.terminal.line(f"works once, until {made.expires_at}")
    else:
        context.terminal.line("In the sandbox anybody may talk; to try the invitation, send there:")
        context.terminal.line(f"/start {made.code}")
    return 0
