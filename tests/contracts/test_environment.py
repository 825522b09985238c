"""`.env.example`, the settings classes and the variables given to each process agree."""

import re
from pathlib import Path

import pytest

from assistant.src.config.settings import AssistantSettings
from control import services, variables
from cron_service.app.config import Settings as CronSettings
from google_calendar_service.src.config.settings import Settings as GoogleCalendarSettings
from rest_service.app.config import Settings as RestSettings
from sandbox.settings import SandboxSettings
from smart_kit.settings import ServiceSettings
from tg_bot.src.config.settings import TgBotSettings

ROOT = Path(__file__).resolve().parents[2]

SETTINGS: dict[str, type[ServiceSettings]] = {
    "rest_service": RestSettings,
    "google_calendar_service": GoogleCalendarSettings,
    "assistant": AssistantSettings,
    "cron_service": CronSettings,
    "tg_bot": TgBotSettings,
    "sandbox": SandboxSettings,
}

SUITE_VARIABLES = {"BIND_HOST", "REST_SERVICE_OWN_PORT"}
"""Set by an image or by manage.py, never by an operator."""

OPERATOR_VARIABLES = {*variables.DEFAULTS, "COMPOSE_PROJECT_NAME", "POSTGRES_PASSWORD"}
"""Read by manage.py and the servers that it starts, perhaps by no service."""

RESERVED_VARIABLES = {"GOOGLE_CALENDAR_SERVICE_URL"}
"""Documented before the code that reads them exists; that code removes them from this set."""


def read_example() -> list[str]:
    text = (ROOT / ".env.example").read_text("utf-8")
    return re.findall(r"(?m)^([A-Z][A-Z0-9_]*)=", text)


def variables_read_by(service: str) -> set[str]:
    return {name.upper() for name in SETTINGS[service].model_fields} - SUITE_VARIABLES


def test_no_variable_is_listed_twice_in_the_example() -> None:
    assert len(read_example()) == len(set(read_example()))


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_that_a_service_reads_is_in_the_example(service: str) -> None:
    assert variables_read_by(service) - set(read_example()) == set()


def test_every_variable_of_the_example_is_read() -> None:
    read = OPERATOR_VARIABLES.union(*map(variables_read_by, SETTINGS))

    assert set(read_example()) - read == RESERVED_VARIABLES


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_given_every_variable_that_it_reads(service: str) -> None:
    (definition,) = (one for one in services.SERVICES if one.name == service)
    given = {name.partition("=")[0] for name in definition.variables}

    assert variables_read_by(service) - given == set()


def test_every_service_has_its_settings_here() -> None:
    assert set(SETTINGS) == {one.name for one in services.SERVICES} - {"migrate"}
