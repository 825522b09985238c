from pathlib import Path

import pytest
from pydantic import TypeAdapter

from control import environment
from control.errors import ControlError
from control.services import SERVICES
from control.settings import Settings
from control.variables import OPENAI_URL

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BY_NAME = {service.name: service for service in SERVICES}
EVERYBODY = frozenset(BY_NAME)
REST = frozenset({"rest_service"})
CLIENTS = frozenset({"assistant", "cron_service", "tg_bot", "google_calendar_service"})
SECRETS = {
    "TELEGRAM_TOKEN": frozenset({"tg_bot", "sandbox"}),
    "OPENAI_API_KEY": REST,
    "GOOGLE_CLIENT_SECRET": frozenset({"google_calendar_service"}),
    "ADMIN_API_TOKEN": REST,
    "SERVICE_API_TOKEN": REST | CLIENTS | {"sandbox"},
    "LLM_MODEL_DECRYPT_KEY": REST | {"assistant"},
    "DATABASE_URL": REST | {"migrate"},
    "ASYNC_DATABASE_URL": REST,
    "REDIS_PASSWORD": EVERYBODY - {"sandbox", "migrate", "google_calendar_service"},
    "SANDBOX_CHAT_TOKEN": frozenset({"sandbox"}),
    "POSTGRES_PASSWORD": frozenset(),
    "SANDBOX_TELEGRAM_TOKEN": frozenset(),
    "SANDBOX_SERVICE_API_TOKEN": frozenset(),
    "SOMETHING_ELSE": frozenset(),
}


def load_settings(home: Path, **environ: str) -> Settings:
    environ = {"STATE_DIR": str(home / "state"), **environ}
    environment.ensure_secrets(home, environ)
    return Settings.load(home, environ)


@pytest.mark.parametrize(("secret", "allowed"), SECRETS.items())
def test_only_services_that_need_a_secret_receive_it(
    home: Path, secret: str, allowed: frozenset[str]
) -> None:
    environ = {"GOOGLE_CLIENT_SECRET": "google", "SOMETHING_ELSE": "of the operator's shell"}
    settings = load_settings(home, **environ)
    assert settings.values[secret]
    receivers = {name for name in BY_NAME if secret in settings.build_environment(BY_NAME[name])}
    assert receivers == allowed


def test_secret_value_is_in_no_other_variable(home: Path) -> None:
    settings = load_settings(home, TELEGRAM_TOKEN=TOKEN)
    holders = {
        name for name in BY_NAME if TOKEN in settings.build_environment(BY_NAME[name]).values()
    }
    assert holders == {"tg_bot"}


def test_defaults_use_the_sandbox_for_everything(home: Path) -> None:
    settings = load_settings(home, SANDBOX_PORT="8081")
    bot = settings.build_environment(BY_NAME["tg_bot"])
    rest_service = settings.build_environment(BY_NAME["rest_service"])
    sandbox = settings.build_environment(BY_NAME["sandbox"])

    assert settings.needs_sandbox
    assert bot["TELEGRAM_API_URL"] == "http://127.0.0.1:8081"
    assert bot["TELEGRAM_TOKEN"] == sandbox["TELEGRAM_TOKEN"]
    number, _, rest = bot["TELEGRAM_TOKEN"].partition(":")
    assert number.isdecimal()
    assert len(rest) == 35
    assert bot["TELEGRAM_ALLOWED_USERS"] == "*"
    assert rest_service["OPENAI_BASE_URL"] == "http://127.0.0.1:8081/v1"
    assert all(settings.build_environment(service)["SANDBOX_CLOCK"] == "1" for service in SERVICES)


def test_sandbox_bot_is_stable_per_state_dir(home: Path) -> None:
    first = load_settings(home).values["TELEGRAM_TOKEN"]
    assert load_settings(home).values["TELEGRAM_TOKEN"] == first
    assert load_settings(home, STATE_DIR=str(home / "b")).values["TELEGRAM_TOKEN"] != first


def test_real_telegram_uses_the_operators_settings(home: Path) -> None:
    settings = load_settings(home, TELEGRAM_TOKEN=TOKEN, TELEGRAM_ALLOWED_USERS="7")
    bot = settings.build_environment(BY_NAME["tg_bot"])
    assert bot["TELEGRAM_TOKEN"] == TOKEN
    assert bot["TELEGRAM_ALLOWED_USERS"] == "7"
    assert "TELEGRAM_API_URL" not in bot
    assert settings.needs_sandbox  # for the model


def test_real_telegram_has_no_movable_clock(home: Path) -> None:
    """Its sandbox, for the model, cannot call the API either."""
    settings = load_settings(home, TELEGRAM_TOKEN=TOKEN)
    environments = {name: settings.build_environment(BY_NAME[name]) for name in BY_NAME}
    assert [name for name in BY_NAME if "SANDBOX_CLOCK" in environments[name]] == []
    assert "SERVICE_API_TOKEN" not in environments["sandbox"]


@pytest.mark.parametrize("value", ["1", "true", "yes", "t"])
def test_movable_clock_is_refused_with_real_telegram(home: Path, value: str) -> None:
    with pytest.raises(ControlError, match=r"SANDBOX_CLOCK .* at the wrong time: remove one of"):
        load_settings(home, TELEGRAM_TOKEN=TOKEN, SANDBOX_CLOCK=value)
    load_settings(home, TELEGRAM_TOKEN=TOKEN, SANDBOX_CLOCK="0")


@pytest.mark.parametrize("value", ["0", "N", "f", "off", "False", "no"])
def test_sandbox_clock_can_be_switched_off(home: Path, value: str) -> None:
    """In every way in which the services understand it."""
    assert TypeAdapter(bool).validate_python(value) is False
    settings = load_settings(home, SANDBOX_CLOCK=value)
    environments = {name: settings.build_environment(BY_NAME[name]) for name in BY_NAME}
    assert {environments[name]["SANDBOX_CLOCK"] for name in BY_NAME} == {value}
    assert "SERVICE_API_TOKEN" not in environments["sandbox"]


def test_own_model_server_uses_the_operators_settings(home: Path) -> None:
    settings = load_settings(home, OPENAI_BASE_URL="http://model.lan/v1")
    rest = settings.build_environment(BY_NAME["rest_service"])
    assert rest["OPENAI_BASE_URL"] == "http://model.lan/v1"
    assert "OPENAI_API_KEY" not in rest
    assert settings.needs_sandbox  # for Telegram


def test_key_alone_selects_openai_and_is_hidden_from_chat(
    home: Path,
) -> None:
    settings = load_settings(home, OPENAI_API_KEY="sk-mine")
    assert settings.build_environment(BY_NAME["rest_service"])["OPENAI_API_KEY"] == "sk-mine"
    page = settings.build_environment(BY_NAME["sandbox"])
    assert page["OPENAI_BASE_URL"] == OPENAI_URL
    assert "OPENAI_API_KEY" not in page


def test_real_telegram_and_model_disable_the_sandbox(home: Path) -> None:
    settings = load_settings(home, TELEGRAM_TOKEN=TOKEN, OPENAI_API_KEY="sk")
    assert "sandbox" not in {service.name for service in settings.select_services(SERVICES)}
    assert "sandbox" in {service.name for service in load_settings(home).select_services(SERVICES)}


def test_external_servers_are_used_unchanged(home: Path) -> None:
    settings = load_settings(
        home, DATABASE_URL="postgresql://db", ASYNC_DATABASE_URL="postgresql://a", REDIS_HOST="r"
    )
    rest = settings.build_environment(BY_NAME["rest_service"])
    assert settings.has_external_postgres
    assert settings.has_external_redis
    assert (rest["DATABASE_URL"], rest["REDIS_HOST"], rest["REDIS_PORT"]) == (
        "postgresql://db",
        "r",
        "6379",
    )
    assert "REDIS_PASSWORD" not in rest


def test_services_receive_addresses_of_databases_and_each_other(home: Path) -> None:
    settings = load_settings(
        home, POSTGRES_PASSWORD="p@ss/w:rd", POSTGRES_PORT="5000", ASSISTANT_PORT="7"
    )
    place = "smart_assistant:p%40ss%2Fw%3Ard@127.0.0.1:5000/smart_assistant"
    rest = settings.build_environment(BY_NAME["rest_service"])
    assert rest["DATABASE_URL"] == f"postgresql+psycopg2://{place}"
    assert rest["ASYNC_DATABASE_URL"] == f"postgresql+asyncpg://{place}"
    assert rest["REDIS_PORT"] == "6389"
    assistant = settings.build_environment(BY_NAME["assistant"])
    assert assistant["REST_SERVICE_URL"] == "http://127.0.0.1:8000"
    assert assistant["GOOGLE_CALENDAR_SERVICE_URL"] == "http://127.0.0.1:8001"
    assert assistant["ASSISTANT_PORT"] == "7"


def test_only_services_with_external_servers_receive_the_proxy(home: Path) -> None:
    settings = load_settings(home, HTTPS_PROXY="http://user:pw@proxy.lan", NO_PROXY="lan")
    reported = {it.name for it in SERVICES if "HTTPS_PROXY" in settings.build_environment(it)}
    assert reported == {"rest_service", "assistant", "tg_bot", "google_calendar_service"}
    assert settings.build_environment(BY_NAME["tg_bot"])["NO_PROXY"] == "lan,127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("environ", "output"),
    [
        ({"ASSISTANT_PORT": "80o2"}, "ASSISTANT_PORT=80o2: a port is a number"),
        ({"REDIS_PORT": "70000"}, "REDIS_PORT=70000: a port is a number"),
        ({"TELEGRAM_TOKEN": "hunter2"}, "TELEGRAM_TOKEN is not a bot's token"),
        ({"DATABASE_URL": "postgresql://db"}, "set both"),
        ({"POSTGRES_PASSWORD": "a\nb"}, "POSTGRES_PASSWORD holds a character"),
    ],
)
def test_invalid_value_is_refused_without_showing_secrets(
    home: Path, environ: dict[str, str], output: str
) -> None:
    with pytest.raises(ControlError, match=output) as caught:
        load_settings(home, **environ)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_each_replica_has_its_own_port(home: Path) -> None:
    settings = load_settings(home, REST_SERVICE_PORT="9000", ASSISTANT_PORT="9002")
    rest, assistant = BY_NAME["rest_service"], BY_NAME["assistant"]
    assert [settings.process_port(rest, number) for number in (1, 2, 3)] == [9050, 9150, 9250]
    assert [settings.process_port(assistant, number) for number in (1, 2, 3)] == [9002, 9152, 9252]

    second = settings.build_environment(rest, 2)
    assert (second["REST_SERVICE_PORT"], second["REST_SERVICE_OWN_PORT"]) == ("9000", "9150")
    assert settings.build_environment(assistant, 2)["ASSISTANT_PORT"] == "9152"
    assert "REST_SERVICE_OWN_PORT" not in settings.build_environment(assistant, 2)


def test_replica_without_a_free_port_names_the_variable(home: Path) -> None:
    settings = load_settings(home, ASSISTANT_PORT="65500")
    assert settings.process_port(BY_NAME["assistant"]) == 65500
    with pytest.raises(ControlError, match=r"ASSISTANT_PORT=65500 leaves no port above it for as"):
        settings.process_port(BY_NAME["assistant"], 2)
