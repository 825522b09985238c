"""How settings are read, and the errors for an invalid environment."""

from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator

from smart_kit.errors import ConfigurationError
from smart_kit.rest_client import RestClientSettings
from smart_kit.settings import LocaleSettings, RedisSettings

TOKEN = "a-token-of-sixteen-and-more"


class SampleSettings(RestClientSettings, LocaleSettings):
    a_port: int = Field(1, ge=1, le=65535)
    a_limit: int = 100

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.a_port == self.a_limit:
            raise ValueError("A_PORT and A_LIMIT must differ")
        return self


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with only a token."""
    names = (name.upper() for kind in (SampleSettings, RedisSettings) for name in kind.model_fields)
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SERVICE_API_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_dotenv_file_is_not_read(clean_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A_PORT=2\nA_LIMIT=3\n")
    clean_environment.setenv("A_PORT", "5")
    clean_environment.setenv("SOMEBODY_ELSES", "4")

    settings = SampleSettings.load()
    assert (settings.a_port, settings.a_limit) == (5, 100)


def test_empty_variable_counts_as_not_set(clean_environment: pytest.MonkeyPatch) -> None:
    clean_environment.setenv("A_PORT", "")
    clean_environment.setenv("REDIS_PASSWORD", "")

    assert SampleSettings.load().a_port == 1
    assert RedisSettings.load().redis_password is None


def test_all_invalid_variables_are_named_without_values(
    clean_environment: pytest.MonkeyPatch,
) -> None:
    clean_environment.setenv("SERVICE_API_TOKEN", "short-secret")
    clean_environment.setenv("A_PORT", "70000")
    clean_environment.setenv("A_LIMIT", "plenty")
    clean_environment.setenv("DEFAULT_TIMEZONE", "Mars/Olympus")

    with pytest.raises(ConfigurationError) as caught:
        SampleSettings.load()
    for name in ("SERVICE_API_TOKEN: ", "A_PORT: ", "A_LIMIT: ", "DEFAULT_TIMEZONE: "):
        assert name in caught.value.message
    assert "short-secret" not in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_variable_is_named(clean_environment: pytest.MonkeyPatch) -> None:
    clean_environment.delenv("SERVICE_API_TOKEN")

    with pytest.raises(ConfigurationError, match=r"^SERVICE_API_TOKEN: Field required$"):
        SampleSettings.load()


def test_error_of_two_variables_together_has_no_prefix(
    clean_environment: pytest.MonkeyPatch,
) -> None:
    clean_environment.setenv("A_PORT", "100")

    with pytest.raises(ConfigurationError, match=r"^A_PORT and A_LIMIT must differ$"):
        SampleSettings.load()


def test_secrets_are_not_printed() -> None:
    assert TOKEN not in repr(SampleSettings.load())
    assert SampleSettings.load().service_api_token == SecretStr(TOKEN)


def test_settings_are_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SampleSettings.load().a_port = 2


def test_secrets_are_secret_fields_and_passwords_in_urls() -> None:
    class Urls(RedisSettings):
        a_url: str
        another_url: SecretStr
        a_plain_url: str = "http://127.0.0.1:8000/a"
        nothing: SecretStr | None = None

    settings = Urls(
        redis_password=SecretStr("of redis"),
        a_url="postgresql+asyncpg://user:pa/s@s%40@127.0.0.1:5432/db",
        another_url=SecretStr("https://user:word@host"),
    )
    assert settings.secrets == {
        "of redis",
        "pa/s@s%40",
        "pa/s@s@",
        "https://user:word@host",
        "word",
    }
