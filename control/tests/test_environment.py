import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from control import dotenv, environment, variables
from control.credentials import SECRET_GENERATORS
from control.errors import ControlError


def test_first_start_creates_env_readable_by_its_owner_only(home: Path) -> None:
    assert environment.ensure_secrets(home, {})

    made = home / ".env"
    values = dotenv.read(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert all(len(values[name]) >= 32 for name in SECRET_GENERATORS)
    assert len({values[name] for name in SECRET_GENERATORS}) == len(SECRET_GENERATORS)
    assert len(base64.urlsafe_b64decode(values["LLM_MODEL_DECRYPT_KEY"])) == 32


def test_later_start_does_not_change_env(home: Path) -> None:
    environment.ensure_secrets(home, {})
    before = (home / ".env").read_bytes()

    assert not environment.ensure_secrets(home, {})
    assert (home / ".env").read_bytes() == before


def test_secrets_missing_in_env_are_stored_in_the_state_dir(home: Path) -> None:
    (home / ".env").write_text("ADMIN_API_TOKEN=mine\nSERVICE_API_TOKEN=\n")
    environment.ensure_secrets(home, {})
    first = environment.load(home, {})
    environment.ensure_secrets(home, {})

    assert (home / ".env").read_text() == "ADMIN_API_TOKEN=mine\nSERVICE_API_TOKEN=\n"
    assert first["ADMIN_API_TOKEN"] == "mine"
    assert len(first["SERVICE_API_TOKEN"]) >= 32
    assert environment.load(home, {}) == first


def test_state_folder_of_the_process_environment_keeps_its_own_secrets(home: Path) -> None:
    environ = {"STATE_DIR": str(home / "second")}
    assert not environment.ensure_secrets(home, environ)
    first = environment.load(home, environ)
    environment.ensure_secrets(home, environ)

    assert not (home / ".env").exists()
    assert stat.S_IMODE((home / "second" / "secrets.env").stat().st_mode) == 0o600
    assert first.keys() >= SECRET_GENERATORS.keys()
    assert environment.load(home, environ) == first


def test_process_environment_overrides_env(home: Path) -> None:
    (home / ".env").write_text("LOG_LEVEL=INFO\nDEFAULT_LANGUAGE=ru\n")
    values = environment.load(home, {"LOG_LEVEL": "DEBUG"})
    assert values["LOG_LEVEL"] == "DEBUG"
    assert values["DEFAULT_LANGUAGE"] == "ru"


def test_empty_process_variable_overrides_env(home: Path) -> None:
    (home / ".env").write_text("TELEGRAM_TOKEN=1:a\nREST_SERVICE_PORT=9000\n")
    values = environment.load(home, {"TELEGRAM_TOKEN": "", "REST_SERVICE_PORT": ""})
    assert "TELEGRAM_TOKEN" not in values
    assert values["REST_SERVICE_PORT"] == "8000"


def test_generated_password_is_not_sent_to_an_external_server(home: Path) -> None:
    environ = {"STATE_DIR": "state"}
    environment.ensure_secrets(home, environ)
    assert "REDIS_PASSWORD" in environment.load(home, environ)
    assert "REDIS_PASSWORD" not in environment.load(home, environ | {"REDIS_HOST": "redis.lan"})


def test_concurrent_commands_create_one_set_of_secrets(home: Path) -> None:
    environ = {"STATE_DIR": "state"}

    def completed(_: int) -> dict[str, str]:
        environment.ensure_secrets(home, environ)
        return environment.load(home, environ)

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(completed, range(8)))
    assert all(values == seen[0] for values in seen)


def test_reading_settings_creates_no_files(home: Path) -> None:
    environment.load(home, {})
    assert [path.name for path in home.iterdir()] == [".env.example"]


def test_broken_line_of_env_is_reported(home: Path) -> None:
    (home / ".env").write_text("A=1\nwhat is this\n")
    with pytest.raises(ControlError, match=r"^\.env, line 2 "):
        environment.load(home, {})


def test_env_example_contains_exactly_the_known_variables(home: Path) -> None:
    set_by_us = {"SANDBOX_TELEGRAM_TOKEN"}
    assert dotenv.read(home / ".env.example").keys() == variables.ALL_NAMES - set_by_us


def test_env_example_shows_the_actual_defaults(home: Path) -> None:
    shown = {name: value for name, value in dotenv.read(home / ".env.example").items() if value}
    assert shown == variables.DEFAULTS


def test_state_dir_is_read_despite_a_broken_line(home: Path) -> None:
    (home / ".env").write_text("broken line\nSTATE_DIR='elsewhere' # mine\nalso=\"broken\n")

    assert environment.find_state_dir(home, {}) == home / "elsewhere"
    assert environment.find_state_dir(home, {"STATE_DIR": "given"}) == home / "given"
    assert (
        environment.find_state_dir(home, {"STATE_DIR": ""})
        == home / variables.DEFAULTS["STATE_DIR"]
    )
    with pytest.raises(ControlError):
        environment.load(home, {})
