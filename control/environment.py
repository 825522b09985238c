"""The operator's variables. The process environment overrides `.env`, which overrides generated
secrets.

A variable of the process environment hides that of `.env` even if it is empty. This allows a second
suite or a test to unset a variable.

The first start creates `.env` from `.env.example` with generated secrets. If `.env` lacks a secret,
or if STATE_DIR comes from the process environment (a second suite, a test), the secret is stored in
`STATE_DIR/secrets.env`, because it belongs to the data there. An existing `.env` is never changed,
except by `rotate-keys`.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from control import credentials, dotenv
from control.errors import did_you_mean
from control.file_lock import FileLock
from control.variables import ALL_NAMES, DEFAULTS, MACHINE_VARIABLES, PROXY_VARIABLES

_SECRETS_FILE = "secrets.env"
_TRAVERSABLE_MODE = 0o711
_EXTERNAL_SERVER_PASSWORDS = {"REDIS_HOST": "REDIS_PASSWORD", "DATABASE_URL": "POSTGRES_PASSWORD"}
"""If the operator names a server, a generated password would be wrong for it."""


def load(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return all variables that are not empty, including defaults and stored secrets."""
    values = DEFAULTS | _drop_empty(dotenv.read(root / ".env") | dict(environ))
    stored = dotenv.read(resolve_state_dir(root, values) / _SECRETS_FILE)
    for name in _EXTERNAL_SERVER_PASSWORDS:
        if values.get(name):
            stored.pop(_EXTERNAL_SERVER_PASSWORDS[name], None)
    return stored | values


def ensure_secrets(root: Path, environ: Mapping[str, str]) -> bool:
    """Generate what is missing. Return whether `.env` was created."""
    home = resolve_state_dir(root, load(root, environ))
    make_state_dir(home)
    with FileLock.acquire(home):  # two commands must not generate two sets of secrets
        created = _create_env_file(root / ".env", root / ".env.example", environ)
        credentials.store_missing_secrets(home / _SECRETS_FILE, load(root, environ))
    return created


def find_source_file(root: Path, environ: Mapping[str, str], name: str) -> Path:
    """Return the file that defines a variable which the process environment does not set."""
    if name not in environ and dotenv.read_variable(root / ".env", name):
        return root / ".env"
    return find_state_dir(root, environ) / _SECRETS_FILE


def find_state_dir(root: Path, environ: Mapping[str, str]) -> Path:
    """Return STATE_DIR, even if other lines of `.env` are invalid: `stop` must still work."""
    configured = environ.get("STATE_DIR", dotenv.read_variable(root / ".env", "STATE_DIR"))
    return resolve_state_dir(root, DEFAULTS | _drop_empty({"STATE_DIR": configured}))


def resolve_state_dir(root: Path, values: Mapping[str, str]) -> Path:
    return (root / Path(values["STATE_DIR"]).expanduser()).absolute()


def make_state_dir(path: Path) -> None:
    """Create a folder that other users can pass through but not list, whatever the umask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(_TRAVERSABLE_MODE)


def make_log_dir(path: Path) -> None:
    """Create STATE_DIR/logs, readable only by its owner."""
    make_state_dir(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def is_env_newer_than(root: Path, file: Path) -> bool:
    """Return whether `.env` was changed after a file."""
    try:
        return (root / ".env").stat().st_mtime > file.stat().st_mtime
    except FileNotFoundError:
        return False


def find_unknown_variables(root: Path) -> dict[str, str]:
    """Return the variables of `.env` that nothing reads, each with advice."""
    known = ALL_NAMES.union(MACHINE_VARIABLES, PROXY_VARIABLES)
    return {
        name: did_you_mean(name.upper(), ALL_NAMES, "see .env.example")
        for name in dotenv.read(root / ".env")
        if name not in known
    }


def _create_env_file(target: Path, template: Path, environ: Mapping[str, str]) -> bool:
    if target.exists() or environ.get("STATE_DIR"):
        return False
    text = template.read_text("utf-8")
    for name, generate in credentials.SECRET_GENERATORS.items():
        text = re.sub(rf"(?m)^{name}=$", f"{name}={generate()}", text)
    credentials.write_private_file(target, text)
    return True


def _drop_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
