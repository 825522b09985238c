"""`invite`: create an invitation link."""

import argparse

from control import invitation
from control.context import Context
from control.errors import ControlError
from control.http_client import RequestFailed


def run(context: Context, options: argparse.Namespace) -> int:
    try:
        invitation_link = invitation.create(
            context.settings, role="owner" if options.owner else "user"
        )
    except RequestFailed as error:
        raise ControlError(f"{error} (is it running? ./manage.py status)") from error
    if context.settings.is_telegram_real:
        context.terminal.print_line(invitation_link.url)
        context.terminal.print_line(f"works once, until {invitation_link.expires_at}")
    else:
        context.terminal.print_line(
            "In the sandbox everyone may talk. To try the invitation, send there:"
        )
        context.terminal.print_line(f"/start {invitation_link.code}")
    return 0
