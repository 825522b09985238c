"""The Docker Engine: whether there is one to talk to, and what it knows."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from control.docker import timeouts
from control.errors import ControlError

Facts = dict[str, Any]
"""What the engine says of a container."""
_LAST_LINES = "20"
_GONE = re.compile(r"no such (container|object)", re.IGNORECASE)


def answers(environ: Mapping[str, str]) -> bool:
    """Whether an engine and Compose v2 are there."""
    return not problem(environ)


def require(environ: Mapping[str, str]) -> None:
    """Raises ControlError that says what is missing."""
    if missing := problem(environ):
        raise ControlError(missing)


def problem(environ: Mapping[str, str]) -> str:
    """What keeps us from using Docker, in one line; empty where nothing does."""
    try:
        engine = _run(
            environ, "version", "--format", "{{.Server.Version}}", seconds=timeouts.ENGINE
        )
        if engine.returncode:
            said = engine.stderr.strip().splitlines() or ["it does not say why"]
            return f"no Docker Engine answers: {said[-1]}"
        if _run(environ, "compose", "version", seconds=timeouts.ENGINE).returncode:
            return "Docker has no Compose v2: install its plugin (docker-compose-plugin)"
    except FileNotFoundError:
        return "there is no docker command: install Docker, or use --local"
    except ControlError:
        return f"the Docker Engine does not answer within {timeouts.ENGINE:g} s"
    return ""


def inspect(environ: Mapping[str, str], ids: Iterable[str]) -> list[Facts]:
    """What it knows of these containers; of those that are gone nothing."""
    ids = tuple(ids)
    if not ids:
        return []
    done = _run(environ, "inspect", *ids)
    faults = [line for line in done.stderr.splitlines() if line and not is_gone(line)]
    if done.returncode and faults:
        raise ControlError(f"docker inspect: {faults[-1]}")
    found: list[Facts] = json.loads(done.stdout or "[]")
    return found


def is_gone(said: str) -> bool:
    """Whether that is what the engine says of a container that has been removed meanwhile."""
    return bool(_GONE.search(said))


def log(environ: Mapping[str, str], container: str) -> str:
    """The last lines of a container; empty where it is gone.

    Services write to one of the two streams, servers to the other.
    """
    done = _run(environ, "logs", "--tail", _LAST_LINES, container, errors_to=subprocess.STDOUT)
    return "" if done.returncode else done.stdout


def memory(environ: Mapping[str, str], ids: Iterable[str]) -> dict[str, int]:
    """Bytes that containers use, by id; of those that are gone nothing."""
    form = '{"id": "{{.ID}}", "used": "{{.MemUsage}}"}'
    done = _run(environ, "stats", "--no-stream", "--no-trunc", "--format", form, *ids)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["id"]: _bytes(row["used"]) for row in rows}


def containers(environ: Mapping[str, str], project: str) -> list[str]:
    """The ids of all containers of a Compose project, whoever made them."""
    return _listed(environ, "ps", "--all", "--no-trunc", "--quiet", *_of_project(project))


def volumes(environ: Mapping[str, str], project: str) -> list[str]:
    """The names of all volumes of a Compose project."""
    return sorted(_listed(environ, "volume", "ls", "--quiet", *_of_project(project)))


def volume_sizes(environ: Mapping[str, str]) -> dict[str, str]:
    """What volumes take on the disk, by name; empty where that takes the engine long."""
    form = "{{range .Volumes}}{{.Name}} {{.Size}}\n{{end}}"
    try:
        words = ("system", "df", "--verbose", "--format", form)
        done = _run(environ, *words, seconds=timeouts.ENGINE)
    except ControlError:
        return {}
    rows = (line.split() for line in done.stdout.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def remove_volumes(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Delete them; one that is gone already is no fault."""
    if names := tuple(names):
        _listed(environ, "volume", "rm", "--force", *names)


def _of_project(project: str) -> tuple[str, str]:
    return "--filter", f"label=com.docker.compose.project={project}"


def _listed(environ: Mapping[str, str], *arguments: str) -> list[str]:
    done = _run(environ, *arguments)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it does not say why"]
        raise ControlError(f"docker {arguments[0]}: {said[-1]}")
    return done.stdout.split()


def _bytes(text: str) -> int:
    """Of `12.5MiB / 23GiB`, the first."""
    match = re.match(r"([\d.]+)\s*([KMG]?)i?B", text)
    if match is None:
        return 0
    return int(float(match[1]) * 1024 ** " KMG".index(match[2] or " "))


def _run(
    environ: Mapping[str, str],
    *arguments: str,
    seconds: float = timeouts.ANSWER,
    errors_to: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Raises ControlError where the engine does not answer in time."""
    try:
        return subprocess.run(
            ("docker", *arguments),
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors_to,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ControlError(f"docker {arguments[0]} does not answer within {seconds:g} s") from error
