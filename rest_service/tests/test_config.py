import pytest
from pydantic import ValidationError

from rest_service.app.config import Settings
from rest_service.tests.api_helpers import MASTER_KEYS
from smart_kit.errors import ConfigurationError

VALID_ENVIRONMENT = {
    "DATABASE_URL": "postgresql+psycopg2://u:p@127.0.0.1/d",
    "ASYNC_DATABASE_URL": "postgresql+asyncpg://u:p@127.0.0.1/d",
    "ADMIN_API_TOKEN": "KJh2l3k4jh5lk3j4h5lk",
    "SERVICE_API_TOKEN": "9sd8f7g6h5j4k3l2mn1b",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name, value in VALID_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_defaults_need_only_two_urls_and_two_tokens(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.load()

    assert (settings.rest_service_port, settings.bind_host) == (8000, "127.0.0.1")
    assert settings.owner_telegram_id is None


def test_all_missing_variables_are_named_together(environment: pytest.MonkeyPatch) -> None:
    for name in VALID_ENVIRONMENT:
        environment.delenv(name)

    with pytest.raises(ConfigurationError) as refused:
        Settings.load()

    assert all(name in refused.value.message for name in VALID_ENVIRONMENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADMIN_API_TOKEN", "short"),
        ("ADMIN_API_TOKEN", "changeme-changeme-changeme"),
        ("SERVICE_API_TOKEN", "please-change-this-token"),
        ("SERVICE_API_TOKEN", "your-token-goes-here"),
        ("SERVICE_API_TOKEN", "xxxxxxxxxxxxxxxxxxxxxxxx"),
        ("ADMIN_API_TOKEN", VALID_ENVIRONMENT["SERVICE_API_TOKEN"]),
        ("DATABASE_URL", "sqlite://"),
        ("ASYNC_DATABASE_URL", VALID_ENVIRONMENT["DATABASE_URL"]),
        ("TELEGRAM_ALLOWED_USERS", "@alice"),
        ("DEFAULT_TIMEZONE", "Mars/Base"),
        ("REST_SERVICE_PORT", "0"),
        ("LLM_MODEL_DECRYPT_KEY", "not-a-fernet-key"),
        ("LLM_MODEL_DECRYPT_KEY", f"{MASTER_KEYS[0]},not-a-fernet-key"),
        ("OPENAI_BASE_URL", "models.example"),
        ("OPENAI_BASE_URL", "https:///v1"),
        ("OPENAI_BASE_URL", "https://[::1/v1"),
        ("OPENAI_BASE_URL", f"https://models.example/{'a' * 2048}"),
        ("DEFAULT_MODEL", "a" * 256),
        ("DEFAULT_MODEL", "a\udcffb"),
        ("FALLBACK_MODEL", "a b"),
    ],
)
def test_invalid_setting_is_refused_without_quoting_tokens(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(ConfigurationError) as refused:
        Settings.load()

    assert name in refused.value.message
    if "TOKEN" in name:
        assert value not in refused.value.message


@pytest.mark.parametrize("name", ["default_model", "fallback_model", "openai_base_url"])
def test_stored_settings_cannot_contain_nul(environment: pytest.MonkeyPatch, name: str) -> None:
    """An environment variable cannot contain NUL, but a settings file can."""
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: "https://models.example/\0"})


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, ("gpt-6-luna", "gpt-5.6-luna")),
        ({"OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}, ("gpt-6-luna", "gpt-5.6-luna")),
        ({"DEFAULT_MODEL": "gpt-5.6-luna"}, ("gpt-5.6-luna",)),
        ({"FALLBACK_MODEL": "gpt-6.1-terra"}, ("gpt-6-luna", "gpt-6.1-terra")),
        ({"FALLBACK_MODEL": "gpt-6-luna"}, ("gpt-6-luna",)),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, ("gpt-6-luna",)),
    ],
)
def test_only_openais_server_has_a_default_fallback_model(
    environment: pytest.MonkeyPatch, variables: dict[str, str], names: tuple[str, ...]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)

    assert Settings.load().default_model_names == names


@pytest.mark.parametrize(
    ("allowed", "owner"), [("42", 42), (" 42 , 7", 42), ("*", None), ("", None)]
)
def test_the_first_on_the_allow_list_is_the_owner(
    environment: pytest.MonkeyPatch, allowed: str, owner: int | None
) -> None:
    environment.setenv("TELEGRAM_ALLOWED_USERS", allowed)

    assert Settings.load().owner_telegram_id == owner


def test_secrets_are_not_in_repr(environment: pytest.MonkeyPatch) -> None:
    shown = repr(Settings.load())

    assert not [value for value in VALID_ENVIRONMENT.values() if value in shown]


def test_each_master_key_is_a_secret_of_its_own(environment: pytest.MonkeyPatch) -> None:
    """A log line may contain a single key instead of the list."""
    environment.setenv("LLM_MODEL_DECRYPT_KEY", ", ".join(MASTER_KEYS))

    settings = Settings.load()

    assert settings.vault_keys == MASTER_KEYS
    assert set(MASTER_KEYS) <= settings.secrets


def test_a_key_of_openai_needs_a_master_key(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENAI_API_KEY", "sk-of-no-worth")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY needs LLM_MODEL_DECRYPT_KEY"):
        Settings.load()

    environment.setenv("LLM_MODEL_DECRYPT_KEY", MASTER_KEYS[0])
    assert Settings.load().openai_api_key is not None
