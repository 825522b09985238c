"""The status table."""

from collections.abc import Iterable
from dataclasses import dataclass

from control.disk import format_megabytes
from control.terminal import DIM, GREEN, RED, Terminal

HEADINGS = ("service", "process", "state", "uptime", "restarts", "memory", "health")


@dataclass(frozen=True)
class StatusRow:
    """A component of the suite."""

    name: str
    process: str
    """The process id or container id; empty if there is none."""
    state: str
    uptime: float | None
    """Seconds; None if it does not run."""
    restarts: int
    memory: int | None
    """Bytes."""
    is_healthy: bool
    health: str
    """What is wrong, in one line."""

    @property
    def cells(self) -> tuple[str, ...]:
        uptime = "-" if self.uptime is None else format_duration(self.uptime)
        memory = format_megabytes(self.memory) if self.memory else "-"
        process, restarts = self.process or "-", str(self.restarts)
        return (self.name, process, self.state, uptime, restarts, memory, self.health)


def print_table(terminal: Terminal, rows: Iterable[StatusRow]) -> bool:
    """Print the table. Return whether everything is healthy."""
    rows = list(rows)
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    colours = [DIM, *(GREEN if row.is_healthy else RED for row in rows)]
    for cells, colour in zip(lines, colours, strict=True):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if cells is HEADINGS:
            padded = [terminal.paint(cell, colour) for cell in padded]
        else:
            padded[-1] = terminal.paint(padded[-1].rstrip(), colour)
        terminal.print_line("  ".join(padded).rstrip())
    return all(row.is_healthy for row in rows)


def format_duration(amount: float) -> str:
    """Return a number of seconds in its two largest units."""
    minutes, rest = divmod(int(amount), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"
