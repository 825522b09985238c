"""What every command receives."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from control import environment, replicas
from control.addresses import COMPOSE_ADDRESSES
from control.machine_requirements import MachineFacts
from control.services import SERVICES, Service
from control.settings import Settings
from control.terminal import Terminal
from control.variables import ALL_NAMES, MACHINE_VARIABLES, PROXY_VARIABLES
from control.virtualenv import Virtualenv


@dataclass(frozen=True)
class Context:
    """The repository, the process environment and the terminal. Tests supply their own."""

    root: Path
    manage_script: Path
    """The program that starts the supervisor: `manage.py`."""
    environ: Mapping[str, str]
    terminal: Terminal
    services: tuple[Service, ...] = SERVICES
    python_override: Path | None = None
    """An interpreter with all packages installed; None: `.venv`."""
    inspect_machine: Callable[[Path], MachineFacts] = MachineFacts.inspect
    """Returns facts about this machine, for a folder."""

    @cached_property
    def state_dir(self) -> Path:
        return environment.find_state_dir(self.root, self.environ)

    @cached_property
    def settings(self) -> Settings:
        return Settings.load(self.root, self.environ)

    @cached_property
    def compose_settings(self) -> Settings:
        """The settings as containers see them."""
        return Settings.load(self.root, self.environ, COMPOSE_ADDRESSES)

    def ensure_valid_settings(self) -> None:
        """Raise ControlError if the settings or the replica counts are invalid."""
        Settings.load(self.root, self.environ)
        replicas.read(self.state_dir, self.services)

    @property
    def version(self) -> str:
        """The version of Smart Assistant. Only pyproject.toml defines it."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))
        return str(project["project"]["version"])

    @property
    def environ_without_suite(self) -> dict[str, str]:
        """The process environment without the variables of the suite in use, for tests."""
        # test processes write compiled modules, so that they need not compile them again
        suite_names = ALL_NAMES | {"PYTHONDONTWRITEBYTECODE"}
        return {name: self.environ[name] for name in self.environ if name not in suite_names}

    @property
    def suite_environ(self) -> dict[str, str]:
        """The variables of the process environment that affect a suite."""
        known_names = ALL_NAMES.union(MACHINE_VARIABLES, PROXY_VARIABLES)
        return {name: self.environ[name] for name in self.environ if name in known_names}

    def shorten_path(self, path: Path) -> Path:
        """Return a path, relative to the repository if possible."""
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    @property
    def virtualenv(self) -> Virtualenv:
        log = self.state_dir / "logs" / "install.log"
        return Virtualenv(self.root, log, self.environ, self.terminal, self.inspect_machine)

    def ensure_python(self, *, develop: bool = False) -> Path:
        """Return the interpreter of the services; the first call installs it."""
        return self.python_override or self.virtualenv.ensure(develop=develop)
