"""What the environment may say."""

import pytest
from pydantic import ValidationError

from assistant.src.config.settings import AssistantSettings

TOKEN = "token-of-sixteen-letters"


def settings(**values: object) -> AssistantSettings:
    return AssistantSettings(service_api_token=TOKEN, **values)


def test_everything_but_the_service_token_has_a_default() -> None:
    made = settings()

    assert (made.assistant_port, made.default_model) == (8002, "gpt-6-luna")
    assert (made.max_context_messages, made.max_context_length) == (20, 32_000)
    assert made.openai_api_key is made.openai_base_url is made.fallback_model is None
    assert made.weather_api_url is None


@pytest.mark.parametrize(
    "values",
    [
        {"openai_base_url": "localhost:11434/v1"},
        {"openai_base_url": "http://"},
        {"weather_api_url": "api.open-meteo.com"},
        {"max_context_messages": 0},
        {"assistant_slots": 0},
        {"default_timezone": "Mars/Olympus"},
    ],
    ids=str,
)
def test_what_cannot_work_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(settings(openai_api_key="sk-secret"))
