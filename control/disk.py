"""Disk usage."""

import os
from pathlib import Path


def get_disk_usage(path: Path) -> int:
    """Return the bytes that a file or a folder occupies; unreadable parts count as 0."""
    total = _allocated_bytes(path)
    for folder, _, files in os.walk(path):
        total += sum(_allocated_bytes(Path(folder) / name) for name in files)
    return total


def format_megabytes(amount: int) -> str:
    """Return for example `48 MB` or `0.2 MB`."""
    return f"{amount / 2**20:.{0 if amount >= 2**20 else 1}f} MB"


def _allocated_bytes(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
