"""The messages of /assistant and /model, and the question for the time zone."""

from datetime import UTC, datetime
from typing import get_args
from uuid import uuid4

import pytest

from smart_kit.contracts.queue import Choice, ChoiceKind, ChoiceOption
from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram
from tg_bot.src.rendering.rendered_message import MAX_LABEL_LENGTH, truncate_label
from tg_bot.src.texts.choice_prompts import QUESTIONS, render_choice_prompt
from tg_bot.src.texts.text_context import TextContext
from tg_bot.src.texts.translations import get_translation
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import common_fields

LUNA, TERRA = uuid4(), uuid4()
CONTEXT = TextContext(get_translation("en"), "UTC", datetime(2026, 11, 27, 14, 5, tzinfo=UTC))


def make_choice_prompt(
    *options: ChoiceOption, chosen: ChoiceKind = "model", language: str = "en"
) -> Choice:
    fields = common_fields(1, 7) | {
        "choice_kind": chosen,
        "options": options,
        "language_code": language,
    }
    return Choice(**fields)


def make_options(count: int, chosen: int) -> tuple[ChoiceOption, ...]:
    return tuple(
        ChoiceOption(row_id=uuid4(), label=f"model {n}", is_selected=n == chosen)
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("language", "question", "own"),
    [
        ("en", "Which model should answer you?", "✓ Default"),
        ("ru", "Какая модель будет вам отвечать?", "✓ По умолчанию"),
    ],
)
async def test_prompt_has_one_button_per_row_and_marks_the_selection(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram, language: str, question: str, own: str
) -> None:
    options = (
        ChoiceOption(row_id=None, label="", is_selected=True),
        ChoiceOption(row_id=LUNA, label="gpt-6-luna"),
        ChoiceOption(row_id=TERRA, label="gpt-6.1-terra"),
    )
    await enqueue_to_telegram(redis, make_choice_prompt(*options, language=language))
    async with run_bot():
        await telegram.wait_until(lambda: len(telegram.sent) == 1)

    (sent,) = telegram.sent
    assert sent.text == question
    assert sent.parameters["reply_markup"] == {
        "inline_keyboard": [
            [{"text": own, "callback_data": "model:default"}],
            [{"text": "gpt-6-luna", "callback_data": f"model:{LUNA}"}],
            [{"text": "gpt-6.1-terra", "callback_data": f"model:{TERRA}"}],
        ]
    }


def test_every_choice_kind_has_a_question_and_valid_data() -> None:
    assert set(QUESTIONS) == set(get_args(ChoiceKind))
    for chosen in get_args(ChoiceKind):
        rendered = render_choice_prompt(
            make_choice_prompt(*make_options(2, 1), chosen=chosen), ["Europe/Lisbon"], CONTEXT
        )
        assert rendered.text.text
        assert all(
            len(button.data.encode()) <= 64
            for button in (button for (button,) in rendered.button_rows)
        )


@pytest.mark.parametrize(
    ("count", "hidden_note"),
    [(100, None), (101, "1 more option is not shown."), (350, "250 more options are not shown.")],
)
def test_hidden_options_are_counted_and_the_selected_one_shown(
    count: int, hidden_note: str | None
) -> None:
    rendered = render_choice_prompt(
        make_choice_prompt(*make_options(count, count - 1)), (), CONTEXT
    )
    assert len(rendered.button_rows) == 100
    assert [
        button.label
        for button in (button for (button,) in rendered.button_rows)
        if button.label.startswith("✓")
    ] == [f"✓ model {count - 1}"]
    assert rendered.text.text.partition("\n\n")[2] == (hidden_note or "")


@pytest.mark.parametrize(
    ("kind", "language", "first_line"),
    [
        ("assistant", "en", "There is no assistant called Anna."),
        ("model", "en", "There is no model called Anna."),
        ("assistant", "ru", "Ассистента «Anna» нет."),
        ("model", "ru", "Модели «Anna» нет."),
    ],
)
def test_an_unknown_name_is_repeated_before_the_question(
    kind: ChoiceKind, language: str, first_line: str
) -> None:
    context = TextContext(get_translation(language), CONTEXT.timezone, CONTEXT.now)
    prompt = make_choice_prompt(*make_options(2, 0), chosen=kind)
    prompt = prompt.model_copy(update={"unknown_name": "Anna"})
    rendered = render_choice_prompt(prompt, (), context)
    assert rendered.text.text.partition("\n")[0] == first_line
    assert len(rendered.button_rows) == 2

    long = prompt.model_copy(update={"unknown_name": "A" * 4000})
    assert len(render_choice_prompt(long, (), context).text.text) < 200


def test_choice_without_options_has_no_buttons() -> None:
    assert render_choice_prompt(make_choice_prompt(), (), CONTEXT).button_rows == ()


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("gpt-6-luna", "gpt-6-luna"),
        ("  two\nlines  ", "two lines"),
        ("x" * MAX_LABEL_LENGTH, "x" * MAX_LABEL_LENGTH),
        ("openrouter/vendor/model-large-2026-08-01", "openrouter/vendo…arge-2026-08-01"),
        ("\u200b", "…"),
    ],
)
def test_labels_are_truncated_to_the_visible_length(label: str, shown: str) -> None:
    assert truncate_label(label) == shown
    assert len(shown) <= MAX_LABEL_LENGTH
