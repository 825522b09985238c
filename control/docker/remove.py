"""Deleting a suite's data: the volumes of its Compose project."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from control import confirmation, modes
from control.argument_types import USAGE_ERROR_STATUS
from control.context import Context
from control.docker import engine, stop
from control.docker.compose import Compose
from control.errors import ControlError

_WORKING_DIR_LABEL = "com.docker.compose.project.working_dir"


def run(context: Context, options: argparse.Namespace) -> int:
    """Stop the suite and delete what it keeps; raises ControlError where that is not confirmed.

    Interrupted, the same command goes on where it ended.
    """
    if options.service:
        raise ControlError(
            "--remove deletes the data of all services: leave --service out", USAGE_ERROR_STATUS
        )
    compose = Compose.from_context(context)
    project = compose.get_project_name()
    containers = engine.inspect_containers(
        context.environ, engine.list_containers(context.environ, project)
    )
    _ensure_same_folder(context.root, project, containers)
    volumes = engine.list_volumes(context.environ, project)
    if not containers and not volumes:
        context.terminal.print_line("Nothing to remove.")
        return 0
    if not containers and options.yes:
        _ensure_last_mode_was_docker(context, project)
    things = _describe(context, len(containers), volumes)
    confirmation.confirm_deletion(context.terminal, things, is_confirmed=options.yes)
    stop.stop(context, compose)
    with context.terminal.step("remove"):
        engine.remove_volumes(context.environ, volumes)
    _print_remaining_files(context, project)
    return 0


def _ensure_same_folder(
    root: Path, project: str, containers: Iterable[engine.InspectResult]
) -> None:
    """Raises ControlError where another folder's suite has the same name, and so the same data."""
    for facts in containers:
        folder = facts["Config"]["Labels"].get(_WORKING_DIR_LABEL, "")
        if not folder or os.path.realpath(folder) != os.path.realpath(root):
            raise ControlError(
                f"nothing is deleted: containers of the project {project} were started from"
                f" {folder or 'an unknown folder'}: remove them there, or give this suite a"
                " COMPOSE_PROJECT_NAME of its own"
            )


def _ensure_last_mode_was_docker(context: Context, project: str) -> None:
    """Raises ControlError where nobody looks, and nothing tells that these volumes are ours.

    Volumes bear the project's name alone, which is the same in every clone.
    """
    if modes.read_last_mode(context.state_dir) != "docker":
        raise ControlError(
            f"nothing is deleted: this folder has not started in Docker the last time, so the"
            f" volumes of the project {project} may be another folder's; without --yes you are"
            " asked"
        )


def _describe(context: Context, containers: int, volumes: Iterable[str]) -> Iterable[str]:
    if containers:
        yield f"{containers} containers and what they have logged"
    context.terminal.show_progress("… looking")
    sizes = engine.get_volume_sizes(context.environ)
    for volume in volumes:
        yield f"volume {volume} ({sizes[volume]})" if volume in sizes else f"volume {volume}"


def _print_remaining_files(context: Context, project: str) -> None:
    remaining = [path for path in (context.root / ".env", context.state_dir) if path.exists()]
    shown = ", ".join(os.path.relpath(path, context.root) for path in remaining)
    say = context.terminal.print_line
    if shown:
        say(f"Settings and the suite's folder stay: {shown}")
    say(f"Images stay: docker image rm $(docker image ls --quiet '{project}-*') removes them")
