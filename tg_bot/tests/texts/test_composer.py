from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smart_kit.clock import Clock
from smart_kit.contracts.queue import NoticeName
from smart_kit.settings import LocaleSettings
from smart_kit.version import get_version
from tg_bot.src.handlers.commands import COMMAND_DESCRIPTIONS
from tg_bot.src.handlers.rich_command import RICH_ON
from tg_bot.src.texts.composer import Composer
from tg_bot.src.texts.notices import NOTICES
from tg_bot.tests.queue_messages import make_effect, make_notice, make_reminder, make_reply

AT_NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""09:00 in Berlin, when the reminders of these tests are due."""


class FrozenClock(Clock):
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self._moment = moment

    def now(self, zone: ZoneInfo | None = None) -> datetime:
        return self._moment.astimezone(zone or UTC)


def compose_late_reminder(text: str, late: timedelta) -> str:
    """Return the text of a reminder that is this late."""
    composer = Composer(LocaleSettings(), FrozenClock(AT_NINE + late), COMMAND_DESCRIPTIONS)
    return composer.compose(make_reminder(text, AT_NINE), None).text.text


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


@pytest.mark.parametrize(("language", "beginning"), [("en", "Tables and"), ("ru", "Таблицы и")])
def test_command_reply_is_translated(composer: Composer, language: str, beginning: str) -> None:
    notice = make_notice("command_reply", language_code=language, parameters={"text": RICH_ON})
    assert composer.compose(notice, None).text.text.startswith(beginning)


def test_help_shows_the_version(composer: Composer) -> None:
    text = composer.compose(make_notice("help"), None).text.text

    assert text.endswith(f"Smart Assistant {get_version()}")


def test_help_and_unknown_command_list_all_commands(composer: Composer) -> None:
    for name in ("help", "unknown_command"):
        text = composer.compose(make_notice(name), None).text.text
        assert all(f"/{command} — " in text for command in COMMAND_DESCRIPTIONS)


def test_punctual_reminder_shows_only_its_text() -> None:
    assert compose_late_reminder("*stretch* <b>", timedelta(seconds=60)) == "⏰ *stretch* <b>"


def test_late_reminder_shows_when_it_was_due() -> None:
    assert (
        compose_late_reminder("stretch", timedelta(seconds=61)) == "⏰ stretch\n\n(was due 09:00)"
    )
    late = compose_late_reminder("stretch", timedelta(days=2))
    assert late.startswith("⏰ stretch\n\n(was due ")
    assert "Nov" in late
