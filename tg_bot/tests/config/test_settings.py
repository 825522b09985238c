import re

import pytest

from smart_kit.errors import ConfigurationError
from tg_bot.src.config.settings import AllowList, TgBotSettings

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"


@pytest.fixture
def load_settings(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def] # a factory
    def load(**environment: str) -> TgBotSettings:
        monkeypatch.chdir("/")  # no .env of a developer's
        given = {"TELEGRAM_TOKEN": TOKEN, "SERVICE_API_TOKEN": "x" * 16} | environment
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return TgBotSettings.load()

    return load


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", AllowList()),
        ("*", AllowList(everyone=True)),
        (" 12, 34 ,", AllowList((12, 34))),
        ("12", AllowList((12,))),
    ],
)
def test_allowed_users_are_ids_or_everyone(load_settings, written, meant) -> None:
    assert load_settings(TELEGRAM_ALLOWED_USERS=written).telegram_allowed_users == meant


@pytest.mark.parametrize("entry", ["@anna", "12,*", "-5", "12 34", "1.5", "0"])
def test_invalid_allowed_user_is_named(load_settings, entry) -> None:
    with pytest.raises(ConfigurationError, match="TELEGRAM_ALLOWED_USERS") as raised:
        load_settings(TELEGRAM_ALLOWED_USERS=entry)
    assert entry.split(",")[-1].strip() in raised.value.message


@pytest.mark.parametrize("token", ["", "nonsense", "98765:", ":abc", "98 34:abcdef"])
def test_invalid_token_is_refused_without_being_printed(load_settings, token) -> None:
    with pytest.raises(ConfigurationError, match="TELEGRAM_TOKEN") as raised:
        load_settings(TELEGRAM_TOKEN=token)
    assert not token or token not in raised.value.message


def test_token_contains_the_bot_id_and_is_never_printed(load_settings) -> None:
    settings = load_settings()
    assert settings.bot_id == 123456
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize("url", ["api.telegram.org", "ftp://x", "https://", "https://x?y"])
def test_invalid_url_is_refused(load_settings, url) -> None:
    with pytest.raises(ConfigurationError, match="TELEGRAM_API_URL"):
        load_settings(TELEGRAM_API_URL=url)


def test_no_user_is_allowed_by_default() -> None:
    assert 5 not in AllowList()
    assert 5 in AllowList((5,))
    assert 5 in AllowList(everyone=True)


def test_webhook_requires_a_public_url(load_settings) -> None:
    assert not load_settings(PUBLIC_URL="https://a.example/bot/").telegram_webhook
    settings = load_settings(TELEGRAM_WEBHOOK="1")
    assert settings.telegram_webhook
    assert settings.public_url == "https://a.example/bot"
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        load_settings(PUBLIC_URL="")


def test_webhook_secret_is_valid_and_redacted(load_settings) -> None:
    settings = load_settings()
    assert re.fullmatch("[A-Za-z0-9_-]{64}", settings.webhook_secret)
    assert settings.webhook_secret in settings.secrets
    other = load_settings(TELEGRAM_TOKEN=TOKEN.replace("A", "B"))
    assert other.webhook_secret != settings.webhook_secret


@pytest.mark.parametrize("name", ["OVERALL", "PER_CHAT", "PER_GROUP"])
def test_rates_are_not_negative(load_settings, name) -> None:
    variable = f"TELEGRAM_RATE_{name}"
    assert getattr(load_settings(**{variable: "0"}), variable.lower()) == 0
    for wrong in ("-1", "fast"):
        with pytest.raises(ConfigurationError, match=variable):
            load_settings(**{variable: wrong})
