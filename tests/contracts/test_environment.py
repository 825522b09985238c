"""`.env.example`, compose and control's list of variables follow from the settings classes."""

import re
from pathlib import Path

import pytest

from control import generated_files, services, variables
from control.addresses import COMPOSE_ADDRESSES, LOCAL_ADDRESSES, Addresses
from control.docker import plain_compose_setup
from control.errors import ControlError
from control.services import Service
from control.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
UNREAD_VARIABLES = {"GOOGLE_CALENDAR_SERVICE_URL", "STATE_DIR"}
"""Passed to services that do not read them (yet)."""

OPERATOR_VARIABLES = {*variables.DEFAULTS, "COMPOSE_PROJECT_NAME", "POSTGRES_PASSWORD"}
"""Read by manage.py and the servers that it starts, perhaps by no service."""


def read_example() -> list[str]:
    text = (ROOT / ".env.example").read_text("utf-8")
    return re.findall(r"(?m)^([A-Z][A-Z0-9_]*)=", text)


def variables_read_by(service: Service) -> set[str]:
    return {field.name for field in generated_files.read_fields(service)}


@pytest.mark.parametrize("path", generated_files.render_all(ROOT), ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    expected = generated_files.render_all(ROOT)[path]

    assert path.read_text("utf-8") == expected, "run ./manage.py check --fix"


def test_no_variable_is_listed_twice_in_the_example() -> None:
    assert len(read_example()) == len(set(read_example()))


@pytest.mark.parametrize("service", services.SERVICES, ids=lambda service: service.name)
def test_every_variable_that_a_service_reads_is_in_the_example(service: Service) -> None:
    assert variables_read_by(service) - set(read_example()) == set()


def test_every_variable_of_the_example_is_read() -> None:
    read = OPERATOR_VARIABLES.union(*map(variables_read_by, services.SERVICES))

    assert set(read_example()) - read == {"GOOGLE_CALENDAR_SERVICE_URL"}


@pytest.mark.parametrize("service", services.SERVICES, ids=lambda service: service.name)
def test_a_service_gets_exactly_the_variables_that_it_reads(service: Service) -> None:
    provided, read = set(service.variables), variables_read_by(service)

    assert read <= provided
    assert provided - read <= UNREAD_VARIABLES


def test_every_service_of_the_repository_is_in_the_table() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/requirements.txt")}

    assert folders == {service.name for service in services.SERVICES} - {"migrate"}


REAL_TELEGRAM = {
    "TELEGRAM_TOKEN": "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "SANDBOX_CLOCK": "1",
}
"""A movable clock together with users of a real bot."""


@pytest.mark.parametrize("addresses", [LOCAL_ADDRESSES, COMPOSE_ADDRESSES], ids=["local", "docker"])
def test_a_movable_clock_is_refused_with_real_telegram(
    tmp_path: Path, addresses: Addresses
) -> None:
    with pytest.raises(ControlError, match="SANDBOX_CLOCK"):
        Settings.load(tmp_path, REAL_TELEGRAM, addresses)


def test_plain_compose_refuses_a_movable_clock_with_real_telegram(tmp_path: Path) -> None:
    override = (ROOT / "docker-compose.override.yml").read_text("utf-8")
    assert all(f"      - {name}\n" in override for name in REAL_TELEGRAM)
    with pytest.raises(ControlError, match="SANDBOX_CLOCK"):
        plain_compose_setup.main(tmp_path, REAL_TELEGRAM)


def test_only_a_sandbox_whose_clock_moves_may_call_the_api(tmp_path: Path) -> None:
    (sandbox,) = (service for service in services.SERVICES if service.name == "sandbox")
    token = {"SERVICE_API_TOKEN": "the-token-of-the-services"}

    with_clock = Settings.load(tmp_path, token).select_variables(sandbox)
    without = Settings.load(tmp_path, {**token, **REAL_TELEGRAM, "SANDBOX_CLOCK": ""})

    assert token.items() <= with_clock.items()
    assert "SERVICE_API_TOKEN" not in without.select_variables(sandbox)
