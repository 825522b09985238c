"""What people choose from, as Telegram takes it."""

from typing import get_args
from uuid import uuid4

import pytest

from smart_kit.contracts.queue import Choice, Chosen, Option
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.rendering.buttons import LONGEST_LABEL, shortened
from tg_bot.src.texts.choices import QUESTIONS, describe_choice
from tg_bot.src.texts.translations import Translations
from tg_bot.tests.conftest import Run
from tg_bot.tests.queue_contents import send
from tg_bot.tests.queue_messages import common_fields

WORDS = Translations("en")
LUNA, TERRA = uuid4(), uuid4()


def choice(*options: Option, chosen: Chosen = "model", language: str = "en") -> Choice:
    fields = common_fields(1, 7) | {"chosen": chosen, "options": options, "language_code": language}
    return Choice(**fields)


def many(count: int, chosen: int) -> tuple[Option, ...]:
    return tuple(
        Option(row_id=uuid4(), label=f"model {n}", is_chosen=n == chosen) for n in range(count)
    )


@pytest.mark.parametrize(
    ("language", "question", "own"),
    [
        ("en", "Which model should answer you?", "✓ As the administrator set it"),
        ("ru", "Какая модель будет вам отвечать?", "✓ Как задал администратор"),
    ],
)
async def test_it_is_a_message_with_a_button_a_row_and_the_chosen_one_is_marked(
    run: Run, redis: Redis, telegram: FakeTelegram, language: str, question: str, own: str
) -> None:
    options = (
        Option(row_id=None, label="", is_chosen=True),
        Option(row_id=LUNA, label="gpt-6-luna"),
        Option(row_id=TERRA, label="gpt-6.1-terra"),
    )
    await send(redis, choice(*options, language=language))
    async with run():
        await telegram.until(lambda: len(telegram.sent) == 1)

    (sent,) = telegram.sent
    assert sent.text == question
    assert sent.parameters["reply_markup"] == {
        "inline_keyboard": [
            [{"text": own, "callback_data": "model:own"}],
            [{"text": "gpt-6-luna", "callback_data": f"model:{LUNA}"}],
            [{"text": "gpt-6.1-terra", "callback_data": f"model:{TERRA}"}],
        ]
    }


def test_every_thing_to_choose_has_its_question_and_data_that_telegram_takes() -> None:
    assert set(QUESTIONS) == set(get_args(Chosen))
    for chosen in get_args(Chosen):
        letter = describe_choice(choice(*many(2, 1), chosen=chosen), WORDS.of("en"))
        assert letter.text.text
        assert all(len(button.data.encode()) <= 64 for button in letter.buttons)


@pytest.mark.parametrize(
    ("count", "words"),
    [(100, None), (101, "1 more does not fit here."), (350, "250 more do not fit here.")],
)
def test_what_does_not_fit_is_counted_and_the_chosen_one_always_fits(
    count: int, words: str | None
) -> None:
    letter = describe_choice(choice(*many(count, count - 1)), WORDS.of("en"))
    assert len(letter.buttons) == 100
    assert [one.label for one in letter.buttons if one.label.startswith("✓")] == [
        f"✓ model {count - 1}"
    ]
    assert letter.text.text.partition("\n\n")[2] == (words or "")


def test_a_choice_without_options_is_only_words() -> None:
    assert describe_choice(choice(), WORDS.of("en")).buttons == ()


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("gpt-6-luna", "gpt-6-luna"),
        ("  two\nlines  ", "two lines"),
        ("x" * LONGEST_LABEL, "x" * LONGEST_LABEL),
        ("openrouter/vendor/model-large-2026-08-01", "openrouter/vendo…arge-2026-08-01"),
        ("\u200b", "…"),
    ],
)
def test_labels_are_as_long_as_is_shown(label: str, shown: str) -> None:
    assert shortened(label) == shown
    assert len(shown) <= LONGEST_LABEL
