"""Whether there is a Docker Engine to talk to."""

import subprocess
from collections.abc import Mapping

from control.errors import ControlError

_PATIENCE = 10.0


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
        engine = _ask(environ, "version", "--format", "{{.Server.Version}}")
        if engine.returncode:
            said = engine.stderr.strip().splitlines() or ["it does not say why"]
            return f"no Docker Engine answers: {said[-1]}"
        if _ask(environ, "compose", "version").returncode:
            return "Docker has no Compose v2: install its plugin (docker-compose-plugin)"
    except FileNotFoundError:
        return "there is no docker command: install Docker, or use --local"
    except subprocess.TimeoutExpired:
        return f"the Docker Engine does not answer within {_PATIENCE:g} s"
    return ""


def _ask(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("docker", *arguments),
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
