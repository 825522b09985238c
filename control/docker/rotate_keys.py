"""A new master key for the containers."""

import argparse

from control import key_rotation
from control.context import Context
from control.docker import plain_compose
from control.docker.compose import Compose
from control.docker.start import up
from control.errors import ControlError


def run(context: Context, options: argparse.Namespace) -> int:
    plain_compose.ensure_not_running(context)
    containers = Compose.from_context(context).list_containers()
    if not containers:
        raise ControlError(key_rotation.NOT_RUNNING_MESSAGE)
    running = {one.service for one in containers if one.state in ("running", "restarting")}
    act = key_rotation.drop_old if options.drop_old else key_rotation.rotate
    return act(context, running, _restart)


def _restart(now: Context, name: str) -> bool:
    return not up(now, Compose.from_context(now), (name,), recreate=True)
