from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from smart_kit.clock import Clock
from smart_kit.contracts.effects import UndoRefusal
from smart_kit.contracts.queue import Choice, InlineButton, NoticeName
from smart_kit.contracts.users import UserSnapshot
from smart_kit.settings import LocaleSettings
from smart_kit.version import get_version
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.texts.composer import Composer
from tg_bot.src.texts.notices import NOTICES, UNDO_REFUSAL_TEXTS
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.frozen_clock import FrozenClock
from tg_bot.tests.queue_messages import (
    common_fields,
    make_effect,
    make_notice,
    make_past_effect,
    make_reminder,
    make_reply,
)

AT_NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""09:00 in Berlin, when the reminders of these tests are due."""


@pytest.fixture
def composer() -> Composer:
    return Composer(LocaleSettings(), Clock(), COMMAND_DESCRIPTIONS)


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\t"])
def test_empty_reply_is_replaced_by_an_excuse(composer: Composer, text: str) -> None:
    assert "no answer" in composer.compose(make_reply(text), None).text.text
    assert "ответить" in composer.compose(make_reply(text, language_code="ru"), None).text.text


def test_empty_reply_with_receipts_needs_no_excuse(composer: Composer) -> None:
    assert composer.compose(make_reply("", receipts=(make_effect(),)), None).text.text.startswith(
        "✓ Reminder"
    )


def test_receipts_follow_the_answer(composer: Composer) -> None:
    text = composer.compose(
        make_reply("**Done**.\n", receipts=(make_effect(), make_effect())), None
    ).text.text
    answer, _, receipts = text.partition("\n\n")

    assert answer == "Done."
    assert [line[0] for line in receipts.splitlines()] == ["✓", "✓"]


def test_failed_turn_shows_its_receipts(composer: Composer) -> None:
    text = composer.compose(make_notice("turn_failed", receipts=(make_effect(),)), None).text.text
    assert text.startswith("Something went wrong")
    assert "✓ Reminder" in text


def test_undone_change_is_shown_by_its_receipt(composer: Composer) -> None:
    gone = make_effect("reminder_cancelled").model_copy(update={"undoes": make_effect().id})
    text = composer.compose(make_notice("undone", receipts=(gone,)), None).text.text
    assert text.startswith("Done.\n\n↩ Reminder removed: ")


@pytest.mark.parametrize("name", NOTICES)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_missing_parameters_leave_no_gap(
    composer: Composer, name: NoticeName, language: str
) -> None:
    parameters = {"first_name": "{Anna}", "telegram_id": "7"}
    full = composer.compose(
        make_notice(name, language_code=language, parameters=parameters), None
    ).text
    bare = composer.compose(make_notice(name, language_code=language), None).text

    assert ("{Anna}" in full.text) == (name in ("welcome", "welcome_back", "invite_redeemed"))
    assert "{" not in bare.text
    assert ", !" not in bare.text
    assert full.entities == ()


def test_help_shows_the_version(composer: Composer) -> None:
    text = composer.compose(make_notice("help"), None).text.text

    assert text.endswith(f"Smart Assistant {get_version()}")


def test_help_and_unknown_command_list_all_commands(composer: Composer) -> None:
    for name in ("help", "unknown_command"):
        text = composer.compose(make_notice(name), None).text.text
        assert all(f"/{command} — " in text for command in COMMAND_DESCRIPTIONS)


def test_late_reminder_is_rendered_by_the_clock() -> None:
    composer = Composer(
        LocaleSettings(), FrozenClock(AT_NINE + timedelta(hours=1)), COMMAND_DESCRIPTIONS
    )
    rendered = composer.compose(make_reminder("stretch", AT_NINE), None)
    assert rendered.text.text == "⏰ stretch\n\n(was due 09:00)"
    assert len(rendered.button_rows) == 2


def test_command_reply_is_sent_as_the_command_wrote_it(composer: Composer) -> None:
    notice = make_notice("command_reply", parameters={"text": "Hi, ! {x}"})
    assert composer.compose(notice, None).text.text == "Hi, ! {x}"


@pytest.mark.parametrize("text", ["", "And what about these?"])
def test_receipts_of_a_command_come_before_its_question(composer: Composer, text: str) -> None:
    buttons = (InlineButton(label="Yes", data="a:1"), InlineButton(label="No", data="a:2"))
    notice = make_notice(
        "command_reply",
        parameters={"text": text},
        receipts=(make_past_effect(), make_past_effect()),
        buttons=buttons,
    )
    rendered = composer.compose(notice, None)
    receipt = "✓ Reminder: Fri 27 Nov 2020 09:00 Europe/Berlin — call Anna"
    question = f"\n\n{text}" if text else ""
    assert rendered.text.text == f"{receipt}\n{receipt}{question}"
    assert rendered.button_rows == tuple((button,) for button in buttons)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_refused_undo_says_why(composer: Composer, language: str) -> None:
    def compose(reason: str) -> str:
        parameters = {"reason": reason} if reason else {}
        notice = make_notice("cannot_be_undone", language_code=language, parameters=parameters)
        return composer.compose(notice, None).text.text

    general = compose("")
    assert {compose("unknown"), compose("not_reversible")} == {general}
    assert len({general, compose("fired"), compose("changed"), compose("deleted")}) == 4
    assert set(UNDO_REFUSAL_TEXTS) == set(get_args(UndoRefusal)) - {"not_reversible"}


def test_question_for_the_time_zone_offers_likely_zones() -> None:
    clock = FrozenClock(AT_NINE)
    settings = LocaleSettings.model_construct({"default_timezone"}, default_timezone="Asia/Tokyo")
    composer = Composer(settings, clock, COMMAND_DESCRIPTIONS)
    question = Choice(**common_fields(1, 7) | {"choice_kind": "timezone", "language_code": "ru"})
    rendered = composer.compose(question, None)

    assert rendered.text.text.startswith("В каком вы часовом поясе?")
    buttons = [button for (button,) in rendered.button_rows]
    assert [(button.label, button.data) for button in buttons[:2]] == [
        ("Токио · 17:00", "timezone_answer:Asia/Tokyo"),
        ("Москва · 11:00", "timezone_answer:Europe/Moscow"),
    ]
    assert len(buttons) <= 6


async def test_language_of_the_known_user_is_used_for_guesses(
    composer: Composer, rest: FakeRestService
) -> None:
    await rest.add_user(7, language_code="ru")
    user = UserSnapshot(**rest.users[7].model_dump(), version=1)
    assert composer.guess_zones(None, user)[0] == "Europe/Moscow"
    assert composer.guess_zones("pt", user)[0] != "Europe/Moscow"


@pytest.mark.parametrize("language", ["en", "ru"])
def test_help_mentions_schedules_and_the_time_zone(composer: Composer, language: str) -> None:
    text = composer.compose(make_notice("help", language_code=language), None).text.text
    assert "8:30" in text
    assert "/timezone" in text.partition("/start")[0]
