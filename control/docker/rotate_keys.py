"""A new master key for the containers."""

import argparse

from control import key_rotation
from control.context import Context
from control.docker import bare
from control.docker.compose import Compose
from control.docker.start import up
from control.errors import ControlError


def run(context: Context, _: argparse.Namespace) -> int:
    bare.refuse(context)
    if not Compose.of(context).containers():
        raise ControlError(
            "nothing runs, so nothing can be encrypted anew: ./manage.py start first"
        )
    return key_rotation.rotate(
        context, lambda now, name: not up(now, Compose.of(now), (name,), afresh=True)
    )
