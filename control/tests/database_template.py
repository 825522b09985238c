"""A database that is created once per test process and copied by each test that needs one."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from control import environment
from control.local.postgres import Cluster
from control.local.server_programs import ServerPrograms

PASSWORD = "it's a p%ss\\word"
ODD_NAME = f"with space, 'quote', Кириллица and {'x' * 110}"
"""The name of a folder with characters that PostgreSQL accepts."""


@cache
def find_postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's programs."""
    return ServerPrograms.locate(Path(sys.executable)).postgres


@dataclass(frozen=True)
class DatabaseTemplate:
    """The original database, in a STATE_DIR in which nothing runs."""

    cluster: Cluster

    @classmethod
    def create(cls, state_dir: Path) -> "DatabaseTemplate":
        """Create the database as the first start of a suite does."""
        environment.make_state_dir(state_dir)
        made = cls.from_existing(state_dir)
        made.cluster.prepare_launch()
        return made

    @classmethod
    def from_existing(cls, state_dir: Path) -> "DatabaseTemplate":
        """Use an existing database."""
        return cls(Cluster(state_dir, find_postgres_binaries(), 1, PASSWORD))

    def copy_to(self, state_dir: Path, port: int = 1) -> Cluster:
        """Copy the database, as if a suite of that folder had been started before."""
        environment.make_state_dir(state_dir)
        cluster = Cluster(state_dir, self.cluster.wheel_binaries, port, PASSWORD)
        subprocess.run(("cp", "-a", self.cluster._data, cluster._data), check=True)
        cluster._store_password_digest()
        return cluster
