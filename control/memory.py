"""The memory that is available to this machine or container."""

from collections.abc import Iterator
from pathlib import Path

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_NO_LIMIT = 2**62


def get_total_bytes() -> int | None:
    """Return bytes of RAM and swap together, limited by the cgroup; None if unknown."""
    sizes = _parse_meminfo()
    if "MemTotal" not in sizes:
        return None
    groups = list(_iter_cgroups())
    ram = min(sizes["MemTotal"], *_iter_limits(groups, "memory.max", "memory.limit_in_bytes"))
    swap = min(sizes.get("SwapTotal", 0), *_iter_limits(groups, "memory.swap.max"))
    return min(ram + swap, *_iter_limits(groups, "memory.memsw.limit_in_bytes"))


def _parse_meminfo() -> dict[str, int]:
    """Parse lines such as `MemTotal:  24105000 kB` into bytes."""
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.replace(":", " ").split() for line in lines)
    return {word[0]: int(word[1]) * 1024 for word in fields if len(word) == 3 and word[2] == "kB"}


def _iter_cgroups() -> Iterator[Path]:
    """Yield the folders of the cgroup of this process and of its parents, for versions 1 and 2."""
    try:
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers in ("", "memory"):
            root = _CGROUPS / controllers
            group = root / path.lstrip("/")
            yield group
            # a container may see its own cgroup as the root, regardless of the path
            yield from (folder for folder in group.parents if folder.is_relative_to(root))


def _iter_limits(groups: list[Path], *names: str) -> Iterator[int]:
    yield _NO_LIMIT
    for file in (group / name for group in groups for name in names):
        try:
            text = file.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():  # otherwise `max`
            yield int(text)
