"""Reminders with the demo model in both languages: listed, changed, put off, cancelled."""

from typing import Any

import pytest

from sandbox.tests.llm.model_requests import (
    CHANGE_REMINDER,
    CREATE_REMINDER,
    LIST_REMINDERS,
    get_tool_calls,
    run_conversation,
)

OVEN, WATER, DENTIST, TANK, WEATHER, ANNA, ANYA = (
    f"0f6f7c39-0000-4000-8000-{number:012d}" for number in range(7)
)
LINES = {
    OVEN: "check the oven [delivered Sat 2026-11-21 13:00]",
    WATER: "drink water [Sun 2026-11-22 09:00] [cron 0 9 * * *]",
    DENTIST: "call the dentist [Thu 2026-11-26 14:00] [at a time of Europe/Paris]",
    TANK: "clean the tank [Fri 2026-11-27 20:00] [rrule FREQ=WEEKLY;INTERVAL=2;BYDAY=FR]",
    WEATHER: "tell me the weather [Sun 2026-11-22 08:00] [cron */30 8 * * *] [prompt]",
    ANNA: "позвонить Анне [Fri 2026-11-27 09:00]",
    ANYA: "написать Ане [Fri 2026-11-27 10:00]",
}


def render_list(*ids: str) -> str:
    """Render the result of list_reminders."""
    lines = (f"- {LINES[reminder_id]} (id {reminder_id})" for reminder_id in ids)
    return "\n".join(("All reminders, times in Europe/Berlin:", *lines))


ALL = render_list(*LINES)
PILLS = (
    "All reminders, times in Europe/Berlin:\n- take pills [Sun 2026-11-22 09:00] [rrule FREQ={}]"
    f" (id {WATER})"
)


def find_call(text: str, reminders: str = ALL) -> tuple[str, dict[str, Any]]:
    """Return the call that follows the list of reminders."""
    calls = []

    def respond(call: tuple[str, dict[str, Any]]) -> str:
        calls.append(call)
        return reminders if call[0] == "list_reminders" else "ok"

    run_conversation(text, respond, respond)
    assert calls[0] == ("list_reminders", {})
    return calls[1]


def test_reminders_are_listed_with_their_times() -> None:
    assert run_conversation("what reminders do I have?", ALL) == (
        "Your reminders:\n\n"
        "- check the oven (delivered Saturday, 21 November, 13:00)\n"
        "- drink water (repeats, next Sunday, 22 November, 09:00)\n"
        "- call the dentist (Thursday, 26 November, 14:00)\n"
        "- clean the tank (repeats, next Friday, 27 November, 20:00)\n"
        "- tell me the weather (repeats, next Sunday, 22 November, 08:00; a request to me)\n"
        "- позвонить Анне (Friday, 27 November, 09:00)\n"
        "- написать Ане (Friday, 27 November, 10:00)"
    )
    assert run_conversation("о чём ты мне напомнишь?", render_list(OVEN, WATER)) == (
        "Ваши напоминания:\n\n"
        "- check the oven (напомнил: суббота, 21 ноября, 13:00)\n"
        "- drink water (повторяется, ближайшее: воскресенье, 22 ноября, 09:00)"
    )


@pytest.mark.parametrize(
    ("text", "reminder", "times"),
    [
        ("move the dentist reminder to 10", DENTIST, {"at": "2026-11-26T10:00:00"}),
        ("move the dentist reminder to 3", DENTIST, {"at": "2026-11-26T15:00:00"}),
        ("move the dentist reminder from 2 to 10", DENTIST, {"at": "2026-11-26T10:00:00"}),
        ("move the dentist to 4pm", DENTIST, {"at": "2026-11-26T16:00:00"}),
        ("перенеси Анну на 16:00", ANNA, {"at": "2026-11-27T16:00:00"}),
        ("reschedule the dentist reminder to Friday", DENTIST, {"at": "2026-11-27T14:00:00"}),
        ("change the dentist reminder to half past ten", DENTIST, {"at": "2026-11-26T10:30:00"}),
        ("move the dentist reminder to quarter to nine", DENTIST, {"at": "2026-11-26T08:45:00"}),
        ("postpone the dentist reminder to tomorrow at 9", DENTIST, {"at": "2026-11-22T09:00:00"}),
        ("postpone the dentist reminder by two days", DENTIST, {"at": "2026-11-28T14:00:00"}),
        ("change the dentist reminder to every Friday", DENTIST, {"cron": "0 14 * * 5"}),
        ("set the water reminder to 8 pm", WATER, {"cron": "0 20 * * *"}),
        ("change the water reminder to weekdays at 8", WATER, {"cron": "0 8 * * 1-5"}),
        (
            "move the tank reminder to 9",
            TANK,
            {"at": "2026-11-27T21:00:00", "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"},
        ),
        (
            "change the tank reminder to every second Monday at 8",
            TANK,
            {"at": "2026-11-23T08:00:00", "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"},
        ),
        ("move the oven reminder to 3 pm", OVEN, {"at": "2026-11-21T15:00:00"}),
        ("перенеси напоминание про Анну на 10 вечера", ANNA, {"at": "2026-11-27T22:00:00"}),
        ("перенеси напоминание про Анну на час дня", ANNA, {"at": "2026-11-27T13:00:00"}),
        ("сдвинь напоминание про Анну на час", ANNA, {"at": "2026-11-27T10:00:00"}),
        ("перенеси напоминание про Анну на завтра", ANNA, {"at": "2026-11-22T09:00:00"}),
        (
            "поменяй время напоминания про Анну на половину одиннадцатого",
            ANNA,
            {"at": "2026-11-27T10:30:00"},
        ),
    ],
)
def test_changed_reminder_keeps_what_the_request_leaves_open(
    text: str, reminder: str, times: dict[str, str]
) -> None:
    assert find_call(text) == ("change_reminder", {"id": reminder, **times})


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("rename the reminder about the dentist to call the clinic", "call the clinic"),
        ("change the text of the dentist reminder to “call the clinic”", "call the clinic"),
        ("переименуй напоминание dentist в «позвонить врачу»", "позвонить врачу"),
        ("измени текст напоминания dentist на «позвонить врачу»", "позвонить врачу"),
    ],
)
def test_text_of_a_reminder_is_changed(text: str, title: str) -> None:
    assert find_call(text) == ("change_reminder", {"id": DENTIST, "text": title})


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("snooze", {"in_seconds": 600}),
        ("snooze 1 hour", {"in_seconds": 3600}),
        ("snooze it until tomorrow at 9", {"at": "2026-11-22T09:00:00"}),
        ("remind me again in 10 minutes", {"in_seconds": 600}),
        ("remind me about this again at 5", {"at": "2026-11-21T17:00:00"}),
        ("remind me later", {"in_seconds": 600}),
        ("отложи на полчаса", {"in_seconds": 1800}),
        ("отложи до завтра", {"at": "2026-11-22T09:00:00"}),
        ("напомни снова через час", {"in_seconds": 3600}),
        ("напомни об этом ещё раз завтра", {"at": "2026-11-22T09:00:00"}),
    ],
)
def test_reminder_that_was_delivered_last_comes_again(text: str, times: dict[str, Any]) -> None:
    earlier = f"- drink [delivered Sat 2026-11-21 12:00] (id {WATER})\n"
    assert find_call(text, earlier + ALL) == ("change_reminder", {"id": OVEN, **times})


def test_snooze_of_a_recurring_reminder_is_one_more_reminder() -> None:
    expected = ("create_reminder", {"text": "drink water", "in_seconds": 3600})
    assert find_call("snooze the water reminder for an hour") == expected
    assert find_call("snooze for an hour", render_list(WATER)) == expected
    assert find_call("snooze the weather reminder for an hour")[1]["prompt"] is True
    answer = run_conversation("snooze for an hour", render_list(WATER), "ok")
    assert answer == "I will remind you once more: “drink water”."


def test_new_reminder_may_begin_with_again() -> None:
    arguments = {"text": "call Bob", "in_seconds": 600}
    calls = get_tool_calls("remind me again in 10 minutes to call Bob")
    assert calls == [("create_reminder", arguments)]


@pytest.mark.parametrize(
    ("text", "reminder"),
    [
        ("cancel my dentist reminder", DENTIST),
        ("stop reminding me about the water", WATER),
        ("don't remind me about the tank anymore", TANK),
        ("больше не напоминай про Анну", ANNA),
        ("удали напоминание об Анне", ANNA),
        ("не напоминай больше про Аню", ANYA),
    ],
)
def test_reminder_is_cancelled(text: str, reminder: str) -> None:
    assert find_call(text) == ("cancel_reminder", {"id": reminder})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("move the reminder about the dentist", "When should it come?"),
        ("перенеси напоминание про Анну", "На когда?"),
    ],
)
def test_new_time_is_asked_for(text: str, answer: str) -> None:
    assert run_conversation(text).startswith(answer)


@pytest.mark.parametrize(
    ("text", "reminders", "answer"),
    [
        ("move the reminder to 10", ALL, "Which one do you mean?"),
        ("cancel the reminder about cheese", ALL, "Which one do you mean?"),
        ("cancel the reminder", render_list(OVEN), "You have no reminders."),
        ("snooze for an hour", render_list(WATER, DENTIST), "Which one do you mean?"),
        ("snooze for an hour", "There are no reminders.", "You have no reminders."),
        ("отложи на час", "There are no reminders.", "Напоминаний нет."),
        ("move the water reminder to tomorrow at 10", ALL, "“drink water” repeats."),
        ("move the weather reminder to 10", ALL, "“tell me the weather” repeats."),
        ("move the pills reminder to 10", PILLS.format("DAILY;BYHOUR=9,21"), "“take pills” rep"),
        ("move the pills reminder to 10", PILLS.format("HOURLY;INTERVAL=5"), "“take pills” rep"),
        ("snooze for an hour", "Error: no answer", "That did not work."),
    ],
)
def test_unclear_change_is_not_made(text: str, reminders: str, answer: str) -> None:
    assert run_conversation(text, reminders).startswith(answer)


def test_refusal_of_a_change_is_reported() -> None:
    answer = run_conversation("move the dentist reminder to 10", ALL, "Error: It is in the past.")
    assert answer == "That did not work. The tool says: It is in the past."


@pytest.mark.parametrize(
    ("text", "tools", "answer"),
    [
        ("move the dentist reminder to 10", [LIST_REMINDERS], "no tool for changing reminders"),
        ("snooze for an hour", [CHANGE_REMINDER, CREATE_REMINDER], "no tool for listing reminders"),
    ],
)
def test_missing_tool_is_reported(text: str, tools: list[dict[str, Any]], answer: str) -> None:
    assert answer in run_conversation(text, tools=tools)
