"""A database that is made once for all tests of a process; each that needs one takes a copy."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from control import environment
from control.local.postgres import Cluster
from control.local.wheels import Wheels

PASSWORD = "it's a p%ss\\word"
ODD_NAME = f"with space, 'quote', Кириллица and {'x' * 110}"
"""Of a folder that PostgreSQL can take."""


@cache
def wheel() -> Path:
    """The folder of the programs of PostgreSQL."""
    return Wheels.of(Path(sys.executable)).postgres


@dataclass(frozen=True)
class MadeDatabase:
    """The original, in a state folder of its own where nothing runs."""

    origin: Cluster

    @classmethod
    def make(cls, state_dir: Path) -> "MadeDatabase":
        """As the first start of a suite makes it."""
        environment.make_state_dir(state_dir)
        made = cls.at(state_dir)
        made.origin.launch()
        return made

    @classmethod
    def at(cls, state_dir: Path) -> "MadeDatabase":
        """One that has been made there."""
        return cls(Cluster(state_dir, wheel(), 1, PASSWORD))

    def copy_to(self, state_dir: Path, port: int = 1) -> Cluster:
        """As if a suite of that folder had been started before."""
        environment.make_state_dir(state_dir)
        cluster = Cluster(state_dir, self.origin.wheel, port, PASSWORD)
        subprocess.run(("cp", "-a", self.origin._data, cluster._data), check=True)
        cluster._stamp.put(PASSWORD)
        return cluster
