"""`invite`: create an invitation link."""

import argparse

from control import invitation
from control.context import Context
from control.errors import ControlError
from control.http_client import RequestFailed


def run(context: Context, options: argparse.Namespace) -> int:
    try:
        created = invitation.create(context.settings, role="owner" if options.owner else "user")
    except RequestFailed as error:
        raise ControlError(f"{error} (is it running? ./manage.py status)") from error
    lines = [created.url, f"works once, until {created.expires_at}"]
    if not context.settings.is_telegram_real:
        hint = "In the sandbox everyone may talk. To try the invitation, send this in the chat:"
        lines = [hint, f"/start {created.code}"]
    for line in lines:
        context.terminal.print_line(line)
    return 0
