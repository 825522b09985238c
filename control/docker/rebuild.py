"""Building the images anew."""

import argparse

from control import start_messages
from control.context import Context
from control.docker import plain_compose
from control.docker.compose import Compose
from control.docker.start import bring_up, build


def run(context: Context, options: argparse.Namespace) -> int:
    """Build from scratch, without what earlier builds left; what runs goes on with the new ones."""
    if options.service:
        plain_compose.ensure_not_running(context)
    start_messages.prepare_environment(context, "docker")
    compose = Compose.from_context(context)
    compose.check_replicas()
    with context.terminal.step("images", "(from scratch: minutes)"):
        build(context, compose, "--no-cache", *options.service)
    return bring_up(context, compose, options.service) if compose.list_containers() else 0
