"""Finds and removes Docker resources of test suites: containers, networks, volumes, images."""

import subprocess
from pathlib import Path

_TIMEOUT_SECONDS = 60.0
_MARKER_FILE = "uses-docker"
_IMAGE_FORMAT = "{{.Repository}}:{{.Tag}}"
_RESOURCE_KINDS = (
    # what they are, how those of a name are listed, how they are removed
    ("container", ("ls", "--all", "--quiet", "--filter", "name=^{}"), ("rm", "--force", "-v")),
    ("network", ("ls", "--quiet", "--filter", "name=^{}"), ("rm",)),
    ("volume", ("ls", "--quiet", "--filter", "name=^{}"), ("rm",)),
    # by name: the same image may have other names, which are not ours to remove
    ("image", ("ls", "--format", _IMAGE_FORMAT, "--filter", "reference={}*"), ("rm",)),
)


def resource_prefix(run: str) -> str:
    """Return the prefix of the names of all resources of a test run."""
    return f"sa-test-{run}-"


def mark_docker_used(folder: Path) -> None:
    """Record that a test run uses Docker, so that its clean-up looks there."""
    (folder / _MARKER_FILE).touch()


def is_docker_used(folder: Path) -> bool:
    return (folder / _MARKER_FILE).exists()


def find_resources(name_prefix: str) -> dict[str, list[str]]:
    """Return the resources with a prefix, by kind. Raises RuntimeError if Docker fails."""
    things = {kind: _list_names(kind, words, name_prefix) for kind, words, _ in _RESOURCE_KINDS}
    return {kind: names for kind, names in things.items() if names}


def remove_resources(name_prefix: str) -> None:
    """Remove all resources with a prefix. Raises RuntimeError if Docker fails."""
    for kind, words, removal in _RESOURCE_KINDS:
        if names := _list_names(kind, words, name_prefix):
            _run_docker(kind, *removal, *names)


def _list_names(kind: str, arguments: tuple[str, ...], name_prefix: str) -> list[str]:
    *options, pattern = arguments
    return _run_docker(kind, *options, pattern.replace("{}", name_prefix)).split()


def _run_docker(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"docker {arguments[0]}: {error.stderr.strip()}") from error
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"docker {arguments[0]}: {error}") from error
