"""Variants of the mailbox with a Lua script broken on purpose: the kill tests must detect each."""

from collections.abc import Mapping
from pathlib import Path

from tests.chaos.killable.crash_points import KILL_FOLDER

VARIANT_FILE = "broken_mailbox"
VARIANTS: Mapping[str, tuple[str, str, str]] = {
    "message removed at begin": ("begin", "'LINDEX', KEYS[5], 0", "'LPOP', KEYS[5]"),
    "no deduplication": (
        "enqueue",
        "if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end",
        "",
    ),
    "no journal": ("journal", "redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])", ""),
}
"""By variant: the script, a piece of its source, and the replacement."""


class BrokenMailbox:
    """The variant that `STATE_DIR/kill/broken_mailbox` names when a process starts, if any."""

    def __init__(self, state_dir: Path) -> None:
        file = state_dir / KILL_FOLDER / VARIANT_FILE
        self._variant = VARIANTS[file.read_text()] if file.exists() else None

    def break_script(self, name: str, source: str) -> str:
        """Return the source to run. Raises AssertionError if the piece to replace is missing."""
        if self._variant is None or self._variant[0] != name:
            return source
        _, original, replacement = self._variant
        assert original in source, f"{name}.lua no longer contains {original!r}"
        return source.replace(original, replacement)
