"""A lock between processes."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """A lock on an open file, as a context. The kernel releases it when its holder ends."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> "FileLock":
        """Wait for the lock of a folder. For short operations."""
        lock = cls(os.open(path, os.O_RDONLY))
        fcntl.flock(lock.descriptor, fcntl.LOCK_EX)
        return lock

    @classmethod
    def try_acquire(cls, path: Path) -> "FileLock | None":
        """Return the lock of a file or a folder; None if another process holds it."""
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
        lock = cls(os.open(path, flags, 0o600))
        try:
            fcntl.flock(lock.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.release()
            return None
        return lock

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Close the file. A child that has inherited it still holds the lock."""
        os.close(self.descriptor)
