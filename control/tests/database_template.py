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
def find_postgres_binaries() -> Path:
    """The folder of the programs of PostgreSQL."""
    return Wheels.locate(Path(sys.executable)).postgres


@dataclass(frozen=True)
class DatabaseTemplate:
    """The original, in a state folder of its own where nothing runs."""

    cluster: Cluster

    @classmethod
    def create(cls, state_dir: Path) -> "DatabaseTemplate":
        """As the first start of a suite makes it."""
        environment.make_state_dir(state_dir)
        made = cls.from_existing(state_dir)
        made.cluster.prepare_launch()
        return made

    @classmethod
    def from_existing(cls, state_dir: Path) -> "DatabaseTemplate":
        """One that has been made there."""
        return cls(Cluster(state_dir, find_postgres_binaries(), 1, PASSWORD))

    def copy_to(self, state_dir: Path, port: int = 1) -> Cluster:
        """As if a suite of that folder had been started before."""
        environment.make_state_dir(state_dir)
        cluster = Cluster(state_dir, self.cluster.wheel_binaries, port, PASSWORD)
        subprocess.run(("cp", "-a", self.cluster._data, cluster._data), check=True)
        cluster._password_digest.write(PASSWORD)
        return cluster
