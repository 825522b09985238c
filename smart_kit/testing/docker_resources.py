"""Finds and removes Docker resources of test suites: containers, networks, volumes, images."""

import subprocess
from pathlib import Path

_TIMEOUT_SECONDS = 60.0
_MARKER_FILE = "uses-docker"
_RESOURCE_KINDS = {  # how those of a name are listed, how they are removed
    "container": ("ls --all --quiet --filter name=^PREFIX", "rm --force -v"),
    "network": ("ls --quiet --filter name=^PREFIX", "rm"),
    "volume": ("ls --quiet --filter name=^PREFIX", "rm"),
    # by name: the same image may have other names, which are not ours to remove
    "image": ("ls --format {{.Repository}}:{{.Tag}} --filter reference=PREFIX*", "rm"),
}


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
    found = {kind: _list_names(kind, name_prefix) for kind in _RESOURCE_KINDS}
    return {kind: names for kind, names in found.items() if names}


def remove_resources(name_prefix: str) -> None:
    """Remove all resources with a prefix. Raises RuntimeError if Docker fails."""
    for kind, (_, removal) in _RESOURCE_KINDS.items():
        if names := _list_names(kind, name_prefix):
            _run_docker(kind, *removal.split(), *names)


def _list_names(kind: str, name_prefix: str) -> list[str]:
    listing, _ = _RESOURCE_KINDS[kind]
    return _run_docker(kind, *listing.replace("PREFIX", name_prefix).split()).split()


def _run_docker(kind: str, *arguments: str) -> str:
    command = ["docker", kind, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"docker {kind}: {error.stderr.strip()}") from error
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"docker {kind}: {error}") from error
    return done.stdout
