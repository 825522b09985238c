"""A new master key for the processes of this machine."""

import argparse

from control import key_rotation, replicas
from control.context import Context
from control.errors import ControlError
from control.local.restart import restart_services
from control.local.run_directory import RunDirectory


def run(context: Context, options: argparse.Namespace) -> int:
    run_directory = RunDirectory(context.state_dir)
    if run_directory.find_supervisor() is None:
        raise ControlError(key_rotation.NOT_RUNNING_MESSAGE)
    wishes = run_directory.read_desired_states().items()
    running = {replicas.parse_service_name(name) for name, wish in wishes if wish.should_run}
    act = key_rotation.drop_old if options.drop_old else key_rotation.rotate
    return act(context, running, _restart)


def _restart(now: Context, name: str) -> bool:
    return restart_services(now, [name]) == 0
