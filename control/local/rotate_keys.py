"""A new master key for the processes of this machine."""

import argparse

from control import key_rotation, replicas
from control.context import Context
from control.errors import ControlError
from control.local.restart import restart_services
from control.local.run_directory import RunDirectory


def run(context: Context, options: argparse.Namespace) -> int:
    run_directory = RunDirectory(context.state_dir)
    if run_directory.supervisor() is None:
        raise ControlError(key_rotation.NOTHING_RUNS)
    wishes = run_directory.wishes().items()
    running = {replicas.service_of(name) for name, wish in wishes if wish.run}
    act = key_rotation.drop_old if options.drop_old else key_rotation.rotate
    return act(context, running, _restart)


def _restart(now: Context, name: str) -> bool:
    return restart_services(now, [name]) == 0
