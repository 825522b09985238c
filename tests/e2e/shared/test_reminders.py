"""Reminders, and the time zone and language on which they depend, as users see them."""

import pytest

from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, list_labels

pytestmark = pytest.mark.e2e

LISBON = {"latitude": 38.72, "longitude": -9.14}
BUTTONS = [["Done"], ["+10 min", "+1 h", "Tomorrow"]]


def test_a_reminder_that_comes_is_put_off_or_marked_as_done(suite: SuiteHarness) -> None:
    alice = suite.create_user("Alice")
    request = alice.send("Remind me in 2 seconds to stretch")
    assert list_labels(_wait_for_text(alice, "⏰ stretch", request)) == BUTTONS

    reminder = alice.press("+10 min")
    receipt = alice.wait_for_message(reminder)
    assert receipt.startswith("✓ Reminder: ")
    assert receipt.endswith(" UTC — stretch")
    _wait_until_answered(alice, "⏰ stretch", request)

    request = alice.send("Remind me in 2 seconds to breathe")
    alice.press("Done", after=request)
    _wait_until_answered(alice, "✅ breathe", request)
    upcoming = alice.send_and_wait("/reminders")
    assert "— stretch" in upcoming
    assert "breathe" not in upcoming


def test_a_reminder_is_created_changed_cancelled_and_restored_in_russian(
    suite: SuiteHarness,
) -> None:
    boris = suite.create_user("Борис")
    request = boris.send("Каждый день в 9 напоминай пить воду")
    assert boris.wait_for_message(request).startswith("В каком вы часовом поясе?")

    question = boris.press("Москва")
    answer = boris.wait_for_message(question)
    zone, receipt = (line for line in answer.splitlines() if line.startswith("✓"))
    assert zone.startswith("✓ Часовой пояс: Europe/Moscow")
    assert receipt.startswith("✓ Напоминание: ")
    assert receipt.endswith(" 09:00 Europe/Moscow, ежедневно — пить воду")
    reminders = boris.send_and_wait("Какие у меня напоминания?")
    assert "пить воду" in reminders
    assert "09:00" in reminders

    answer = boris.send_and_wait("Перенеси напоминание про воду на 10")
    assert "✓ Напоминание изменено: " in answer
    assert answer.endswith(" 10:00 Europe/Moscow, ежедневно — пить воду")

    command = boris.send("/reminders")
    reminders = boris.wait_for_message(command)
    assert "10:00, ежедневно — пить воду" in reminders
    assert reminders.endswith("Часовой пояс: Europe/Moscow")
    answer = boris.wait_for_message(boris.press("✕ 1 пить воду", after=command))
    assert answer.startswith("✓ Напоминание отменено: ")
    assert boris.send_and_wait("/reminders").startswith("У вас нет напоминаний.")

    assert "↩ Напоминание восстановлено: " in boris.send_and_wait("/undo")
    assert "10:00, ежедневно — пить воду" in boris.send_and_wait("/reminders")


def test_the_answer_to_the_zone_question_may_be_a_city(suite: SuiteHarness) -> None:
    carol = suite.create_user("Carol")
    question = carol.send_and_wait("Remind me tomorrow at 9 to call Ben")
    assert question.startswith("Which time zone are you in?")

    answer = carol.send_and_wait("Lisbon")
    assert "✓ Time zone: Europe/Lisbon" in answer
    assert answer.endswith(" 09:00 Europe/Lisbon — call Ben")


def test_the_zone_is_set_by_a_sentence_a_location_or_a_command(suite: SuiteHarness) -> None:
    dora = suite.create_user("Dora")
    assert "✓ Time zone: Europe/Berlin" in dora.send_and_wait("I live in Berlin")
    receipt = dora.send_and_wait("Remind me every day at 9 to drink water")
    assert receipt.endswith(" 09:00 Europe/Berlin, daily — drink water")

    answer = dora.wait_for_message(dora.send_location(**LISBON))
    assert answer.startswith("✓ Time zone: Europe/Lisbon")
    assert "The nearest city I know is Lisbon." in answer
    assert "1 recurring reminder keeps its local time, now in Europe/Lisbon." in answer

    command = dora.send("/timezone Viena")
    assert dora.wait_for_message(command).startswith("I do not know the place “Viena”.")
    answer = dora.wait_for_message(dora.press("Vienna, Austria · ", after=command))
    assert answer.startswith("✓ Time zone: Europe/Vienna")
    reminders = dora.send_and_wait("/reminders")
    assert "09:00, daily — drink water\n\nTime zone: Europe/Vienna" in reminders


def test_the_first_zone_may_come_from_a_location(suite: SuiteHarness) -> None:
    eve = suite.create_user("Eve")
    location = eve.send_location(**LISBON)
    receipt = eve.wait_for_message(location, lambda text: "✓ Time zone: Europe/Lisbon" in text)
    assert "all times are those of Europe/Lisbon" in receipt


def test_the_language_of_the_bot_is_chosen_by_a_button(suite: SuiteHarness) -> None:
    frank = suite.create_user("Frank")
    command = frank.send("/language")
    question = frank.wait_for(lambda message: bool(message["text"]), command)
    assert list_labels(question) == [["Русский"], ["✓ English"]]

    answer = frank.wait_for_message(frank.press("Русский", after=command))
    assert answer.startswith("✓ Язык: Русский")
    assert frank.send_and_wait("/timezone").startswith("Я пока не знаю вашего часового пояса")
    assert "✓ Language: English" in frank.send_and_wait("/language English")


def _wait_for_text(user: SandboxUser, text: str, after: int) -> dict[str, object]:
    return user.wait_for(lambda message: message["text"] == text, after)


def _wait_until_answered(user: SandboxUser, text: str, after: int) -> None:
    """Wait until the message of a reminder has this text and no buttons any more."""
    user.wait_for(lambda one: one["text"] == text and not list_labels(one), after)
