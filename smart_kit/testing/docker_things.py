"""What test suites have made in Docker: containers, networks, volumes and images."""

import shutil
import subprocess

_PATIENCE = 120.0
_KINDS = (
    # what they are, how those of a name are listed, how they are removed
    ("container", "name=^{}", ("rm", "--force", "--volumes")),
    ("network", "name=^{}", ("rm",)),
    ("volume", "name=^{}", ("rm", "--force")),
    ("image", "reference={}*", ("rm", "--force")),
)


def prefix(run: str) -> str:
    """What the names of all that a test run has made begin with."""
    return f"sa-test-{run}-"


def found(beginning: str, kind: str, pattern: str) -> list[str]:
    """The ids of those whose names begin so; none where no Docker answers."""
    every = ["--all"] if kind == "container" else []
    return _docker(kind, "ls", *every, "--quiet", "--filter", pattern.format(beginning)).split()


def left(beginning: str) -> dict[str, list[str]]:
    """What there is, by kind."""
    things = {kind: found(beginning, kind, pattern) for kind, pattern, _ in _KINDS}
    return {kind: ids for kind, ids in things.items() if ids}


def remove(beginning: str) -> None:
    """Remove what there is, where a Docker answers."""
    if shutil.which("docker") is None:
        return
    for kind, pattern, words in _KINDS:
        if ids := found(beginning, kind, pattern):
            _docker(kind, *words, *sorted(set(ids)))


def _docker(*words: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *words],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
