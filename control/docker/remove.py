"""The data of a suite in Docker: the volumes of its Compose project."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from control import mode_selection
from control.context import Context
from control.docker import engine
from control.docker.compose import Compose
from control.errors import ControlError
from control.mode import RemovableData

_WORKING_DIR_LABEL = "com.docker.compose.project.working_dir"


def find_removable_data(context: Context, *, is_confirmed: bool) -> RemovableData | None:
    """Return what `stop --remove` deletes; raises ControlError for another folder's suite."""
    compose = Compose.from_context(context)
    project = compose.get_project_name()
    ids = engine.list_containers(context.environ, project)
    containers = engine.inspect_containers(context.environ, ids)
    _ensure_same_folder(context.root, project, containers)
    volumes = engine.list_volumes(context.environ, project)
    if not containers and not volumes:
        return None
    if not containers and is_confirmed:
        _ensure_last_mode_was_docker(context, project)

    def delete() -> None:
        with context.terminal.step("stop"):
            compose.remove_containers()
        with context.terminal.step("remove"):
            engine.remove_volumes(context.environ, volumes)

    descriptions = _describe(context, len(containers), volumes)
    return RemovableData(descriptions, delete, partial(_list_remaining, context, project))


def _ensure_same_folder(
    root: Path, project: str, containers: Iterable[engine.InspectResult]
) -> None:
    for facts in containers:
        folder = facts["Config"]["Labels"].get(_WORKING_DIR_LABEL, "")
        if not folder or os.path.realpath(folder) != os.path.realpath(root):
            raise ControlError(
                f"nothing is deleted: containers of the project {project} were started from"
                f" {folder or 'an unknown folder'}: remove them there, or give this suite a"
                " COMPOSE_PROJECT_NAME of its own"
            )


def _ensure_last_mode_was_docker(context: Context, project: str) -> None:
    """Raise ControlError if the volumes may belong to another folder.

    Volumes are labelled with the project name only, which is the same in every clone.
    """
    if mode_selection.read_last_mode(context.state_dir) != "docker":
        raise ControlError(
            "nothing is deleted: the last start of this folder was not in Docker, so the volumes"
            f" of the project {project} may belong to another folder; without --yes you are asked"
        )


def _describe(context: Context, containers: int, volumes: Iterable[str]) -> Iterable[str]:
    if containers:
        yield f"{containers} containers and what they have logged"
    context.terminal.show_progress("… checking")
    sizes = engine.get_volume_sizes(context.environ)
    for volume in volumes:
        yield f"volume {volume} ({sizes[volume]})" if volume in sizes else f"volume {volume}"


def _list_remaining(context: Context, project: str) -> Iterator[str]:
    remaining = [path for path in (context.root / ".env", context.state_dir) if path.exists()]
    shown = ", ".join(os.path.relpath(path, context.root) for path in remaining)
    if shown:
        yield f"Settings and the suite's folder stay: {shown}"
    yield f"Images stay: docker image rm $(docker image ls --quiet '{project}-*') removes them"
