"""Stopping the suite, or a service of it; without --remove the data stays in its volumes."""

import argparse

from control.context import Context
from control.docker import remove, scale, timeouts
from control.docker.compose import Compose


def run(context: Context, options: argparse.Namespace) -> int:
    if options.remove:
        return remove.run(context, options)
    compose = Compose.of(context)
    running = [container.service for container in compose.containers()]
    if not running:
        context.terminal.line("Nothing runs.")
        return 0
    if options.service:
        with context.terminal.step(f"stop {', '.join(options.service)}"):
            compose.read("stop", *scale.expanded(options.service), seconds=timeouts.STOP)
        return 0
    stop(context, compose)
    return 0


def stop(context: Context, compose: Compose) -> None:
    """Return when all of it is gone."""
    with context.terminal.step("stop"):
        compose.read("--profile", "*", "down", "--remove-orphans", seconds=timeouts.STOP)
