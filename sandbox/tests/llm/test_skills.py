"""The demo model's tool calls and answers in both languages, and its handling of failures."""

import pytest

from sandbox.llm.prompt_parsing import ToolCall, parse_prompt
from sandbox.llm.rule_based_model import MAX_TOOL_ROUNDS, generate_reply
from sandbox.llm.skills import SKILLS
from sandbox.tests.llm.model_requests import (
    ALL_TOOLS,
    CREATE_REMINDER,
    GET_TIME,
    STRING_SCHEMA,
    build_request,
    build_tool,
    call_model,
    get_tool_calls,
    run_conversation,
)

TOKYO = "2026-11-21T22:24:00+09:00 Asia/Tokyo"
STRETCH = "0f6f7c39-0000-4000-8000-000000000001"
BUY_MILK = "0f6f7c39-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("What time is it in Tokyo?", "get_time", {"place": "Tokyo"}),
        ("what's the time in New York right now?", "get_time", {"place": "New York"}),
        ("time in Europe/Berlin", "get_time", {"place": "Europe/Berlin"}),
        ("What time is it?", "get_time", {}),
        ("который час в Токио?", "get_time", {"place": "Токио"}),
        ("Сколько сейчас времени в Нью-Йорке?", "get_time", {"place": "Нью-Йорке"}),
        ("сколько времени", "get_time", {}),
        ("Который час?", "get_time", {}),
        (
            "remind me in 20 seconds to stretch",
            "create_reminder",
            {"text": "stretch", "in_seconds": 20},
        ),
        (
            "Remind me at 18:30 to call mom and dad.",
            "create_reminder",
            {"text": "call mom and dad", "at": "2026-11-21T18:30:00"},
        ),
        (
            "Please remind me to call Ann on Friday at 10",
            "create_reminder",
            {"text": "call Ann", "at": "2026-11-27T10:00:00"},
        ),
        (
            "remind me every day at 9 to water the plants",
            "create_reminder",
            {"text": "water the plants", "cron": "0 9 * * *"},
        ),
        (
            "every day at 9 tell me the weather in Berlin",
            "create_reminder",
            {"text": "tell me the weather in Berlin", "cron": "0 9 * * *", "prompt": True},
        ),
        (
            "send me the weather every day at 9",
            "create_reminder",
            {"text": "send me the weather", "cron": "0 9 * * *", "prompt": True},
        ),
        (
            "every Friday at 17:00 show my tasks and my reminders",
            "create_reminder",
            {"text": "show my tasks and my reminders", "cron": "0 17 * * 5", "prompt": True},
        ),
        (
            "in 10 minutes tell me the time",
            "create_reminder",
            {"text": "tell me the time", "in_seconds": 600, "prompt": True},
        ),
        (
            "завтра утром расскажи про погоду",
            "create_reminder",
            {"text": "расскажи про погоду", "at": "2026-11-22T09:00:00", "prompt": True},
        ),
        (
            "every Tuesday, Thursday and Saturday at 18:00 remind me to train",
            "create_reminder",
            {"text": "train", "cron": "0 18 * * 2,4,6"},
        ),
        (
            "remind me every second Friday at 10 of the bins, please",
            "create_reminder",
            {
                "text": "the bins",
                "at": "2026-11-27T10:00:00",
                "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR",
            },
        ),
        (
            "set an alarm for 7",
            "create_reminder",
            {"text": "Wake up!", "at": "2026-11-22T07:00:00"},
        ),
        (
            "поставь напоминание на завтра на 9: позвонить Ане",
            "create_reminder",
            {"text": "позвонить Ане", "at": "2026-11-22T09:00:00"},
        ),
        ("show my weekly tasks", "list_tasks", {}),
        (
            "напомни через 20 секунд размяться",
            "create_reminder",
            {"text": "размяться", "in_seconds": 20},
        ),
        (
            "Напомни мне завтра в 9, что надо позвонить маме",
            "create_reminder",
            {"text": "надо позвонить маме", "at": "2026-11-22T09:00:00"},
        ),
        (
            "каждый день в 9 напоминай пить воду",
            "create_reminder",
            {"text": "пить воду", "cron": "0 9 * * *"},
        ),
        ("Show my reminders", "list_reminders", {}),
        ("покажи мои напоминания", "list_reminders", {}),
        (
            "add a task: buy milk tomorrow at 10",
            "create_task",
            {"title": "buy milk", "due": "2026-11-22T10:00:00"},
        ),
        ("добавь задачу купить молоко", "create_task", {"title": "купить молоко"}),
        ("What's the weather in Paris tomorrow?", "get_weather", {"place": "Paris", "days": 3}),
        ("какая погода в Москве на неделю?", "get_weather", {"place": "Москве", "days": 7}),
        ("ask the writer to write a poem", "writer", {"message": "write a poem"}),
        ("спроси writer, как начать письмо", "writer", {"message": "как начать письмо"}),
        (
            "Write a short letter to my landlord",
            "writer",
            {"message": "Write a short letter to my landlord"},
        ),
        ("напиши стихи про осень", "writer", {"message": "напиши стихи про осень"}),
    ],
)
def test_request_calls_the_right_tool(text: str, name: str, arguments: dict[str, object]) -> None:
    assert get_tool_calls(text) == [(name, arguments)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "What time is it in Tokyo and remind me in 20 seconds to stretch",
            ["get_time", "create_reminder"],
        ),
        ("What time is it in Tokyo and Paris?", ["get_time", "get_time"]),
        ("Hi! What's the weather? And what time is it?", ["get_weather", "get_time"]),
        (
            "Привет! Который час в Токио и напомни через 20 секунд размяться",
            ["get_time", "create_reminder"],
        ),
        (
            "Every day at 9 tell me the weather. What time is it?",
            ["create_reminder", "get_time"],
        ),
        (
            "I live in Lisbon. Remind me tomorrow at 9 to rest",
            ["change_settings", "create_reminder"],
        ),
    ],
)
def test_several_requests_call_their_tools_together(text: str, names: list[str]) -> None:
    assert [name for name, _ in get_tool_calls(text)] == names


def test_text_after_and_stays_in_the_reminder() -> None:
    assert (
        get_tool_calls("remind me tomorrow at 9 to buy milk and bread")[0][1]["text"]
        == "buy milk and bread"
    )


@pytest.mark.parametrize(
    ("text", "results", "expected"),
    [
        (
            "What time is it in Tokyo?",
            [TOKYO],
            "It is **22:24** in Tokyo (Saturday, 21 November, Asia/Tokyo).",
        ),
        (
            "который час в Токио?",
            [TOKYO],
            "Сейчас **22:24** в Токио (суббота, 21 ноября, Asia/Tokyo).",
        ),
        ("what time is it", ['{"time": "2026-11-21T13:24"}'], "It is **13:24** (Saturday"),
        ("what time is it", ["half past one"], "half past one"),
        (
            "remind me in 20 seconds to stretch",
            ["Reminder set."],
            "All right, I will remind you in 20 seconds: “stretch”.",
        ),
        (
            "напомни через 20 секунд размяться",
            ["Reminder set."],
            "Хорошо, напомню через 20 секунд: «размяться».",
        ),
        (
            "Every day at 9 remind me to drink water",
            ["Reminder set."],
            "All right, I will remind you every day at 9: “drink water”.",
        ),
        (
            "Monday at 8 remind me to run",
            ["Reminder set."],
            "All right, I will remind you Monday at 8: “run”.",
        ),
        (
            "Каждый будний день в 8 расскажи погоду",
            ["Reminder set."],
            "Хорошо, каждый будний день в 8: «расскажи погоду».",
        ),
        (
            "What time is it in Tokyo and remind me in 20 seconds to stretch",
            [TOKYO, "ok"],
            "(Saturday, 21 November, Asia/Tokyo).\n\nAll right, I will remind you",
        ),
        ("Show my reminders", ["[]"], "You have no reminders."),
        (
            "покажи мои напоминания",
            [f"Reminders:\n- размяться (id {STRETCH})"],
            "Ваши напоминания:\n\n- размяться",
        ),
        ("what's the weather", ['{"temperature": "3 °C", "sky": "clear"}'], "- sky: clear"),
        ("what's the weather", ["It is fine."], "It is fine."),
        ("ask the writer for a poem", ["Roses are red."], "**Writer**:\n\nRoses are red."),
        ("ask the writer for a poem", ["Unknown lands, …"], "**Writer**:\n\nUnknown lands, …"),
    ],
)
def test_answer_is_built_from_the_tool_results(
    text: str, results: list[str], expected: str
) -> None:
    assert expected in run_conversation(text, *results)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what time is it", "That did not work. The tool says: the clock is broken"),
        ("который час", "Не получилось. Инструмент отвечает: the clock is broken"),
        ("remind me in 20 seconds to stretch", "That did not work."),
        ("ask the writer for a poem", "That did not work."),
        ("show my reminders", "That did not work."),
        ("add a task: buy milk", "That did not work."),
    ],
)
def test_tool_failure_is_reported_without_an_invented_result(text: str, expected: str) -> None:
    answer = run_conversation(
        text, '{"error": "ToolExecutionError", "detail": "the clock is broken"}'
    )
    assert expected in answer
    assert "I will remind" not in answer


def test_model_hints_in_an_error_are_hidden_from_the_user() -> None:
    failed = "Error: 9 o'clock is in the past. Call again with a later time."
    answer = run_conversation("remind me tomorrow at 9 to stretch", failed)
    assert answer == "That did not work. The tool says: 9 o'clock is in the past."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ask the writer to draft a letter", "draft a letter"),
        ("попроси писателя сочинить стих", "сочинить стих"),
        ("переведи «привет» на немецкий", "переведи «привет» на немецкий"),
    ],
)
def test_tool_is_found_without_ask_and_in_russian(text: str, message: str) -> None:
    writer = build_tool(
        "ask_writer", "A writer and editor: drafts, translates texts.", message=STRING_SCHEMA
    )
    assert get_tool_calls(text, tools=[writer]) == [("ask_writer", {"message": message})]


def test_scheduled_request_is_handled_like_a_new_message() -> None:
    scheduled = "Scheduled request, planned by the user for 2026-11-21 13:24. Do it now:\n"
    assert get_tool_calls(scheduled + "скажи, который час в Токио") == [
        ("get_time", {"place": "Токио"})
    ]


def test_unknown_place_is_retried_in_other_forms() -> None:
    moscow = "2026-11-21T15:24:00+03:00 Europe/Moscow"
    answer = run_conversation("Который час в Москве?", "Unknown place: Москве", moscow)
    assert answer == "Сейчас **15:24** в Москве (суббота, 21 ноября, Europe/Moscow)."


def test_reminder_is_found_before_it_is_cancelled() -> None:
    reminders = f"Reminders:\n- stretch (id {STRETCH})\n- buy milk (id {BUY_MILK})"
    assert "“buy milk” is cancelled" in run_conversation(
        "cancel the reminder about milk", reminders, "ok"
    )
    assert "Which one" in run_conversation("cancel my reminder", reminders)
    assert run_conversation("отмени напоминание", "[]") == "Напоминаний нет."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remind me in 20 seconds to stretch", "I have no tool for reminders here"),
        ("напомни завтра размяться", "нет инструмента для напоминаний"),
        ("what's the weather?", "I have no tool for the weather here"),
        ("What time is it in Tokyo?", "I have no tool for telling the time here"),
        ("add a task: buy milk", "I have no tool for tasks here"),
        ("show my reminders", "I have no tool for listing reminders here"),
        ("ask the chef what to cook", "There is no assistant of that name here."),
    ],
)
def test_missing_tool_is_reported(text: str, expected: str) -> None:
    assert expected in call_model(text, tools=[]).text


def test_user_time_comes_from_the_context_line_without_a_tool() -> None:
    answer = call_model("what time is it?", tools=[]).text
    assert answer == "It is **13:24** (Saturday, 21 November, Europe/Berlin)."
    assert "no tool" in call_model("what time is it?", tools=[], context="").text


def test_argument_missing_in_the_schema_is_not_sent() -> None:
    assert get_tool_calls("what time is it in Tokyo", tools=[build_tool("get_time")]) == [
        ("get_time", {})
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remind me to stretch", "When should I remind you?"),
        ("remind me in 20 seconds", "What should I remind you of?"),
        ("напомни размяться", "Когда напомнить?"),
        ("напомни завтра в 9", "О чём напомнить?"),
    ],
)
def test_missing_details_of_a_reminder_are_asked_for(text: str, expected: str) -> None:
    assert expected in call_model(text).text


def test_administrators_tool_is_used_when_its_description_matches() -> None:
    population = build_tool("city_population", "How many people live in a city", city=STRING_SCHEMA)
    arguments = {"city": "Berlin"}
    calls = get_tool_calls("What is the population of Berlin?", tools=[*ALL_TOOLS, population])
    assert calls == [("city_population", arguments)]
    pair = build_tool(
        "convert", "Converts currencies", amount={"type": "number"}, to={"enum": ["EUR", "USD"]}
    )
    pair["function"]["parameters"]["required"] = ["amount", "to"]
    assert get_tool_calls("use convert: 12.5 to EUR", tools=[pair]) == [
        ("convert", {"amount": 12.5, "to": "EUR"})
    ]
    assert "do not know the values of amount, to" in call_model("use convert", tools=[pair]).text


def test_endless_tool_calls_are_stopped() -> None:
    """The model stops calling tools if the caller never returns a matching result."""
    useless = (ToolCall("get_time", {"place": "elsewhere"}), "x")
    body = build_request("what time is it", tools=[GET_TIME], results=[useless])
    answers = body["messages"][2:]
    body["messages"] += answers * (MAX_TOOL_ROUNDS - 2)
    assert generate_reply(parse_prompt(body)).tool_calls
    body["messages"] += answers
    assert "too many steps" in generate_reply(parse_prompt(body)).text


def test_every_message_gets_a_reply() -> None:
    years = f"remind me in {'9' * 40} years to stretch"
    hours = f"remind me every {'9' * 40} hours to stretch"
    odd_dates = "on 30 February remind me on the 32nd at 25:61 of 99.99.0000 to rest"
    texts = ("", "?", "🏟", "\n", "a" * 5000, "и и и", "and and", "((((", "12:30", "1" * 400)
    for text in (*texts, years, hours, odd_dates):
        assert call_model(text).text or call_model(text).tool_calls


def test_skills_are_listed_once() -> None:
    assert len(SKILLS) == len(set(map(id, SKILLS)))


def test_reminder_tool_is_called_only_by_reminder_requests() -> None:
    for text in ("my reminder was late", "what is a reminder?", "thanks for the reminder"):
        assert not call_model(text, tools=[CREATE_REMINDER]).tool_calls
