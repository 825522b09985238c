"""Showing the logs of the containers."""

import argparse

from control.context import Context
from control.docker.compose import Compose


def run(context: Context, options: argparse.Namespace) -> int:
    follow = ("--follow",) if options.follow else ()
    return Compose.of(context).run("logs", "--tail", str(options.lines), *follow, *options.service)
