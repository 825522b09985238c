"""Keeping the logs small.

Services write straight into their log: so they go on when the supervisor is dead, and its work is
no more than this. The price is that a file is copied and emptied rather than renamed; a line
written between the two is lost.
"""

import contextlib
import os
import shutil
from itertools import pairwise
from pathlib import Path

MAX_LOG_BYTES = 10 * 1024 * 1024
"""Bytes at which a log is put aside."""
BACKUP_COUNT = 3
"""How many older files there are of each log: `<part>.log.1` is the newest."""


def rotate_logs(folder: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Put aside each log that has grown too large."""
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
    except OSError:  # most likely the disk is full: room matters more than old lines
        older[0].unlink(missing_ok=True)
    os.truncate(log, 0)
