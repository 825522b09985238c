"""`rotate-keys`: replace the master key."""

import argparse
from dataclasses import replace

from control import key_rotation, modes
from control.context import Context
from control.errors import ControlError


def run(context: Context, options: argparse.Namespace) -> int:
    mode = modes.select(context, options)
    mode.ensure_manageable()
    running = mode.list_running_services()
    if not running:
        raise ControlError(key_rotation.NOT_RUNNING_MESSAGE)

    def restart(current: Context, service: str) -> bool:
        return replace(mode, context=current).restart_services([service])

    act = key_rotation.drop_old if options.drop_old else key_rotation.rotate
    return act(context, running, restart)
