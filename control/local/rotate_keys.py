"""A new master key for the processes of this machine."""

import argparse

from control import key_rotation
from control.context import Context
from control.errors import ControlError
from control.local.restart import restart_services
from control.local.run_directory import RunDirectory


def run(context: Context, _: argparse.Namespace) -> int:
    if RunDirectory(context.state_dir).supervisor() is None:
        raise ControlError(
            "nothing runs, so nothing can be encrypted anew: ./manage.py start first"
        )
    return key_rotation.rotate(context, lambda now, name: restart_services(now, [name]) == 0)
