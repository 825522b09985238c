"""The time zone and the language with the demo model; requests that wait for the time zone."""

from typing import Any

import pytest

from sandbox.tests.llm.model_requests import call_model, get_tool_calls, run_conversation

ZONE_QUESTION = "Which time zone are you in?"
SAVED = "Saved: time zone Asia/Tokyo, language that of the app."


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("I live in Lisbon", "Lisbon"),
        ("I live in Lisbon now.", "Lisbon"),
        ("I now live in lisbon", "lisbon"),
        ("I'm in New York now", "New York"),
        ("I've just moved to São Paulo", "São Paulo"),
        ("My time zone is Asia/Tokyo", "Asia/Tokyo"),
        ("set my timezone to Moscow time", "Moscow"),
        ("я живу в Екатеринбурге", "Екатеринбурге"),
        ("Я сейчас в Нью-Йорке", "Нью-Йорке"),
        ("я переехала в Лиссабон", "Лиссабон"),
        ("мой часовой пояс — Токио", "Токио"),
        ("поставь часовой пояс на Москву", "Москву"),
    ],
)
def test_place_is_saved(text: str, place: str) -> None:
    assert get_tool_calls(text) == [("change_settings", {"place": place})]


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("Speak English", "en", "All right, I speak English."),
        ("please answer in Russian", "ru", "Хорошо, говорю по-русски."),
        ("change the language to English", "en", "All right, I speak English."),
        ("Говори по-английски, пожалуйста", "en", "All right, I speak English."),
        ("speak Russian to me", "ru", "Хорошо, говорю по-русски."),
        ("перейди на русский язык", "ru", "Хорошо, говорю по-русски."),
    ],
)
def test_language_is_saved_and_used(text: str, language: str, answer: str) -> None:
    assert get_tool_calls(text) == [("change_settings", {"language": language})]
    assert run_conversation(text, SAVED) == answer


@pytest.mark.parametrize(
    "text",
    [
        "I am in a meeting",
        "I've moved to the kitchen",
        "я переехал в новую квартиру",
        "я в магазине",
        "write a letter in English",
        "speak German",
        "Lisbon",
        "what time is it in Lisbon",
    ],
)
def test_other_requests_change_no_settings(text: str) -> None:
    assert "change_settings" not in [name for name, _ in get_tool_calls(text)]


@pytest.mark.parametrize(
    ("text", "results", "answer"),
    [
        ("I live in Tokyo", [SAVED], "Your time zone is Asia/Tokyo."),
        ("я живу в Токио", [SAVED], "Ваш часовой пояс: Asia/Tokyo."),
        (
            "I live in Lisbonn",
            ["Error: Unknown place. Near names: Lisbon."],
            "That did not work. The tool says: Unknown place. Near names: Lisbon.",
        ),
        ("я живу в Москве", ["Error: unknown", SAVED], "Ваш часовой пояс: Asia/Tokyo."),
    ],
)
def test_saved_zone_is_confirmed(text: str, results: list[str], answer: str) -> None:
    assert run_conversation(text, *results) == answer


def test_reminders_in_the_former_zone_are_named() -> None:
    result = (
        f"{SAVED} Recurring reminders follow. These keep the time of the former zone; ask whether"
        " to move them: call Ann (Fri 2026-11-27 09:00 Europe/Berlin, id"
        " 0f6f7c39-0000-4000-8000-000000000001); pay (Sat 2026-11-28 10:00 Europe/Berlin, id"
        " 0f6f7c39-0000-4000-8000-000000000002)"
    )
    answer = run_conversation("I live in Tokyo", result)
    assert answer.startswith("Your time zone is Asia/Tokyo.\n\nThese reminders keep the time")
    assert answer.endswith(
        "\n- call Ann (Friday, 27 November, 09:00 Europe/Berlin)"
        "\n- pay (Saturday, 28 November, 10:00 Europe/Berlin)"
    )


def answer_zone_question(text: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls for a text that follows the question for the time zone."""
    calls = []

    def respond(call: tuple[str, dict[str, Any]]) -> str:
        calls.append(call)
        return SAVED if call[0] == "change_settings" else "ok"

    options = {"earlier": ("remind me tomorrow at 9 to call Ann",), **options}
    run_conversation(text, respond, respond, answer=ZONE_QUESTION, **options)
    return calls


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Tokyo", "Tokyo"),
        ("in tokyo", "tokyo"),
        ("It's New York", "New York"),
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("в Токио", "Токио"),
        ("I live in Tokyo", "Tokyo"),
    ],
)
def test_place_answers_the_zone_question_and_the_request_is_repeated(text: str, place: str) -> None:
    assert answer_zone_question(text) == [
        ("change_settings", {"place": place}),
        ("create_reminder", {"text": "call Ann", "at": "2026-11-22T09:00:00"}),
    ]


def test_waiting_request_is_resolved_at_the_local_time_of_the_new_zone() -> None:
    """At 20:30 in Berlin, tomorrow is already today in Tokyo."""
    calls = answer_zone_question("Tokyo", context="[Sat 2026-11-21 20:30 Europe/Berlin]")
    assert calls[1][1]["at"] == "2026-11-23T09:00:00"


def test_waiting_request_is_answered_in_its_language() -> None:
    answer = run_conversation(
        "Tokyo", SAVED, "ok", earlier=("напомни завтра в 9 поесть",), answer=ZONE_QUESTION
    )
    assert answer == "Хорошо, напомню завтра в 9: «поесть»."


@pytest.mark.parametrize("text", ["no", "нет", "not now", "Is it necessary to know where I live?"])
def test_refusal_of_the_zone_question_is_no_place(text: str) -> None:
    options = {"earlier": ("remind me tomorrow at 9 to rest",), "answer": ZONE_QUESTION}
    assert call_model(text, **options).tool_calls == ()


def test_unknown_place_is_reported_and_the_request_still_waits() -> None:
    error = "Error: Unknown place. Near names: Tokyo."
    options = {"earlier": ("remind me tomorrow at 9 to rest",), "answer": ZONE_QUESTION}
    assert "Near names: Tokyo" in run_conversation("Tokio", error, **options)
