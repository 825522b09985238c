"""Mailboxes whose scripts are broken on purpose, so that a kill has to show it."""

from collections.abc import Mapping
from pathlib import Path

from tests.chaos.killable.crash_points import KILL_FOLDER

VARIANT_FILE = "broken_mailbox"
VARIANTS: Mapping[str, tuple[str, str, str]] = {
    "taken out at the beginning": ("begin", "'LINDEX', KEYS[5], 0", "'LPOP', KEYS[5]"),
    "no deduplication": (
        "enqueue",
        "if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end",
        "",
    ),
    "no journal": ("journal", "redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])", ""),
}
"""Name to script, words of it, and other words."""


class BrokenMailbox:
    """The variant that `STATE_DIR/kill/broken_mailbox` names when a process starts; mostly none."""

    def __init__(self, state_dir: Path) -> None:
        file = state_dir / KILL_FOLDER / VARIANT_FILE
        self._variant = VARIANTS[file.read_text()] if file.exists() else None

    def break_script(self, name: str, source: str) -> str:
        """The script as it is to run. Raises AssertionError where it lacks the words."""
        if self._variant is None or self._variant[0] != name:
            return source
        _, original, others = self._variant
        assert original in source, f"{name}.lua has changed: {original}"
        return source.replace(original, others)
