"""What test suites have made in Docker: containers, networks, volumes and images."""

import shutil
import subprocess

_PATIENCE = 120.0
_NAME = "{{.Repository}}:{{.Tag}}"
_KINDS = (
    # what they are, how those of a name are listed, how they are removed
    ("container", ("ls", "--all", "--quiet", "--filter", "name=^{}"), ("rm", "--force", "-v")),
    ("network", ("ls", "--quiet", "--filter", "name=^{}"), ("rm",)),
    ("volume", ("ls", "--quiet", "--filter", "name=^{}"), ("rm",)),
    # by name: the same image may have other names, which are not ours to remove
    ("image", ("ls", "--format", _NAME, "--filter", "reference={}*"), ("rm",)),
)


def prefix(run: str) -> str:
    """What the names of all that a test run has made begin with."""
    return f"sa-test-{run}-"


def left(beginning: str) -> dict[str, list[str]]:
    """Those whose names begin so, by kind; none where no Docker answers."""
    things = {kind: _listed(kind, words, beginning) for kind, words, _ in _KINDS}
    return {kind: names for kind, names in things.items() if names}


def remove(beginning: str) -> None:
    """Remove what there is, where a Docker answers."""
    if shutil.which("docker") is None:
        return
    for kind, words, removal in _KINDS:
        if names := _listed(kind, words, beginning):
            _docker(kind, *removal, *names)


def _listed(kind: str, words: tuple[str, ...], beginning: str) -> list[str]:
    *options, pattern = words
    return _docker(kind, *options, pattern.replace("{}", beginning)).split()


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
