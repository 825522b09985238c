"""The Docker Engine: its availability, containers and volumes."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from control.docker import timeouts
from control.errors import ControlError

InspectResult = dict[str, Any]
_TAIL_LINES = "20"
_NOT_FOUND = re.compile(r"no such (container|object)", re.IGNORECASE)


def ensure_available(environ: Mapping[str, str]) -> None:
    """Raise ControlError if an engine or Compose v2 is missing."""
    if missing := find_availability_error(environ):
        raise ControlError(missing)


def find_availability_error(environ: Mapping[str, str]) -> str:
    """Return why Docker cannot be used, in one line; empty if it can."""
    timeout = timeouts.ENGINE_TIMEOUT_SECONDS
    try:
        engine = _run(environ, "version", "--format", "{{.Server.Version}}", timeout=timeout)
        if engine.returncode:
            return f"no Docker Engine answers: {_get_reason(engine)}"
        if _run(environ, "compose", "version", timeout=timeout).returncode:
            return "Docker has no Compose v2: install its plugin (docker-compose-plugin)"
    except FileNotFoundError:
        return "there is no docker command: install Docker, or use --local"
    except ControlError:
        return f"the Docker Engine does not answer within {timeout:g} s"
    return ""


def inspect_containers(environ: Mapping[str, str], ids: Iterable[str]) -> list[InspectResult]:
    """Return the descriptions of these containers, without those that no longer exist."""
    ids = tuple(ids)
    if not ids:
        return []
    done = _run(environ, "inspect", *ids)
    errors = [line for line in done.stderr.splitlines() if line and not is_not_found_error(line)]
    if done.returncode and errors:
        raise ControlError(f"docker inspect: {errors[-1]}")
    found: list[InspectResult] = json.loads(done.stdout or "[]")
    return found


def is_not_found_error(message: str) -> bool:
    """Return whether the engine reports that a container does not exist (any more)."""
    return bool(_NOT_FOUND.search(message))


def read_log(environ: Mapping[str, str], container: str) -> str:
    """Return the last lines of stdout and stderr; empty if the container no longer exists."""
    done = _run(environ, "logs", "--tail", _TAIL_LINES, container, stderr=subprocess.STDOUT)
    return "" if done.returncode else done.stdout


def get_memory_usage(environ: Mapping[str, str], ids: Iterable[str]) -> dict[str, int]:
    """Return the bytes that containers use, by id, without those that no longer exist."""
    form = '{"id": "{{.ID}}", "used": "{{.MemUsage}}"}'
    done = _run(environ, "stats", "--no-stream", "--no-trunc", "--format", form, *ids)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["id"]: _parse_size(row["used"]) for row in rows}


def list_containers(environ: Mapping[str, str], project: str) -> list[str]:
    """Return the ids of all containers of a Compose project."""
    return _run_checked(environ, "ps", "--all", "--no-trunc", "--quiet", *_project_filter(project))


def list_volumes(environ: Mapping[str, str], project: str) -> list[str]:
    """Return the names of all volumes of a Compose project."""
    return sorted(_run_checked(environ, "volume", "ls", "--quiet", *_project_filter(project)))


def get_volume_sizes(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the sizes of all volumes by name; empty if the engine takes too long."""
    form = "{{range .Volumes}}{{.Name}} {{.Size}}\n{{end}}"
    try:
        command = ("system", "df", "--verbose", "--format", form)
        done = _run(environ, *command, timeout=timeouts.ENGINE_TIMEOUT_SECONDS)
    except ControlError:
        return {}
    rows = (line.split() for line in done.stdout.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def remove_volumes(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Delete volumes. Missing ones are ignored."""
    if names := tuple(names):
        _run_checked(environ, "volume", "rm", "--force", *names)


def _project_filter(project: str) -> tuple[str, str]:
    return "--filter", f"label=com.docker.compose.project={project}"


def _run_checked(environ: Mapping[str, str], *arguments: str) -> list[str]:
    done = _run(environ, *arguments)
    if done.returncode:
        raise ControlError(f"docker {arguments[0]}: {_get_reason(done)}")
    return done.stdout.split()


def _get_reason(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["it does not say why"])[-1]


def _parse_size(text: str) -> int:
    """Return the first size of for example `12.5MiB / 23GiB`, in bytes."""
    match = re.match(r"([\d.]+)\s*([KMG]?)i?B", text)
    return int(float(match[1]) * 1024 ** " KMG".index(match[2] or " ")) if match else 0


def _run(
    environ: Mapping[str, str],
    *arguments: str,
    timeout: float = timeouts.COMMAND_TIMEOUT_SECONDS,
    stderr: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Raises ControlError if the engine does not answer in time."""
    try:
        return subprocess.run(
            ("docker", *arguments),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise ControlError(f"docker {arguments[0]} does not answer within {timeout:g} s") from error
