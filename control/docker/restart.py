"""Stopping and starting again."""

import argparse

from control import start_messages
from control.context import Context
from control.docker import plain_compose
from control.docker.compose import Compose
from control.docker.start import bring_up, up
from control.docker.stop import stop
from control.errors import ControlError


def run(context: Context, options: argparse.Namespace) -> int:
    if options.service:
        plain_compose.ensure_not_running(context)
    start_messages.prepare_environment(context, "docker")
    compose = Compose.from_context(context)
    if options.service:
        if not compose.list_containers():
            raise ControlError("nothing runs: ./manage.py start")
        return 1 if up(context, compose, tuple(options.service), recreate=True) else 0
    compose.check_replicas()  # what is wrong must not cost the suite that runs
    stop(context, compose)
    return bring_up(context, compose)
