"""Stopping the suite, or a service of it; without --remove the data stays in its volumes."""

import argparse

from control.context import Context
from control.docker import remove, scale, timeouts
from control.docker.compose import Compose


def run(context: Context, options: argparse.Namespace) -> int:
    if options.remove:
        return remove.run(context, options)
    compose = Compose.from_context(context)
    running = [container.service for container in compose.list_containers()]
    if not running:
        context.terminal.print_line("Nothing runs.")
        return 0
    if options.service:
        with context.terminal.step(f"stop {', '.join(options.service)}"):
            compose.capture(
                "stop",
                *scale.with_replica_services(options.service),
                timeout=timeouts.STOP_TIMEOUT_SECONDS,
            )
        return 0
    stop(context, compose)
    return 0


def stop(context: Context, compose: Compose) -> None:
    """Return when all of it is gone."""
    with context.terminal.step("stop"):
        compose.capture(
            "--profile", "*", "down", "--remove-orphans", timeout=timeouts.STOP_TIMEOUT_SECONDS
        )
