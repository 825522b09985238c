"""Which values the environment may have."""

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from assistant.src.config.settings import AssistantSettings

TOKEN = "token-of-sixteen-letters"


def make_settings(**values: object) -> AssistantSettings:
    return AssistantSettings(service_api_token=TOKEN, **values)


def test_everything_but_the_service_token_has_a_default() -> None:
    made = make_settings()

    assert made.assistant_port == 8002
    assert (made.max_context_messages, made.max_context_length) == (20, 32_000)
    assert made.weather_api_url is made.llm_model_decrypt_key is None
    assert made.private_hosts == ()


@pytest.mark.parametrize(
    "values",
    [
        {"llm_model_decrypt_key": "short"},
        {"weather_api_url": "api.open-meteo.com"},
        {"max_context_messages": 0},
        {"assistant_slots": 0},
        {"default_timezone": "Mars/Olympus"},
    ],
    ids=str,
)
def test_unusable_settings_are_rejected(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make_settings(**values)


def test_private_hosts_stand_between_commas() -> None:
    made = make_settings(rest_tool_private_hosts="nas.lan, 10.0.0.7:8080,")

    assert made.private_hosts == ("nas.lan", "10.0.0.7:8080")


def test_the_key_is_not_shown() -> None:
    key = Fernet.generate_key().decode()
    made = make_settings(llm_model_decrypt_key=key)

    assert key not in repr(made)
    assert key in made.secrets
