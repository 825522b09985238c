"""Finds and removes what test suites have made in Docker: containers, networks, volumes, images."""

import subprocess
from pathlib import Path

_PATIENCE = 60.0
_CLAIM = "uses-docker"
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


def claim(folder: Path) -> None:
    """Note that the test run of a folder makes things in Docker: who clears it has to ask there."""
    (folder / _CLAIM).touch()


def is_claimed(folder: Path) -> bool:
    return (folder / _CLAIM).exists()


def left(beginning: str) -> dict[str, list[str]]:
    """Those whose names begin so, by kind. Raises RuntimeError where Docker does not answer."""
    things = {kind: _listed(kind, words, beginning) for kind, words, _ in _KINDS}
    return {kind: names for kind, names in things.items() if names}


def remove(beginning: str) -> None:
    """Remove all that there is. Raises RuntimeError where Docker does not do it."""
    for kind, words, removal in _KINDS:
        if names := _listed(kind, words, beginning):
            _docker(kind, *removal, *names)


def _listed(kind: str, words: tuple[str, ...], beginning: str) -> list[str]:
    *options, pattern = words
    return _docker(kind, *options, pattern.replace("{}", beginning)).split()


def _docker(*words: str) -> str:
    try:
        return subprocess.run(
            ["docker", *words], capture_output=True, text=True, timeout=_PATIENCE, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"docker {words[0]}: {error.stderr.strip()}") from error
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"docker {words[0]}: {error}") from error
