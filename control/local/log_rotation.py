"""Rotation of the logs.

Services write directly to their logs, so they continue if the supervisor dies. A log is therefore
copied and truncated rather than renamed; a line written in between is lost.
"""

import contextlib
import os
import shutil
from itertools import pairwise
from pathlib import Path

MAX_LOG_BYTES = 10 * 1024 * 1024
"""The size in bytes at which a log is rotated."""
BACKUP_COUNT = 3
"""The number of older files of each log; `<component>.log.1` is the newest."""


def rotate_logs(folder: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Rotate each log that is too large."""
    for log in folder.glob("*.log"):
        if log.stat().st_size >= max_bytes:
            _rotate_file(log)


def _rotate_file(log: Path) -> None:
    older = [log.with_name(f"{log.name}.{number}") for number in range(1, BACKUP_COUNT + 1)]
    for newer, target in reversed(list(pairwise(older))):
        with contextlib.suppress(FileNotFoundError):
            newer.replace(target)
    try:
        shutil.copy2(log, older[0])
    except OSError:  # the disk is probably full: space matters more than old lines
        older[0].unlink(missing_ok=True)
    os.truncate(log, 0)
