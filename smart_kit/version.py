"""The version of Smart Assistant. pyproject.toml is the only place that has it."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def get_version() -> str:
    """Return the version in pyproject.toml, which every image contains beside the code."""
    project_file = Path(__file__).parent.parent / "pyproject.toml"
    return str(tomllib.loads(project_file.read_text("utf-8"))["project"]["version"])
