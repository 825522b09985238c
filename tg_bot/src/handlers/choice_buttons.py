"""The buttons of /assistant and /model, and of the question for the time zone.

The assistant applies the choice, in order with the user's messages.
"""

from collections.abc import Sequence
from typing import Literal

from ..texts.choice_prompts import DEFAULT_OPTION
from .button_values import parse_row_id, parse_timezone
from .incoming import ButtonPress, HandlerResult, HandlerServices


async def handle_assistant_choice(
    _: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Pass on the chosen assistant."""
    return _pass_on_row(press, "assistant")


async def handle_model_choice(
    _: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Pass on the chosen model."""
    return _pass_on_row(press, "model")


async def handle_timezone_answer(
    _: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Pass on the chosen time zone, for which a request of the user waits."""
    timezone = parse_timezone(press.value)
    if timezone is None:
        return None
    return (press.build_press("timezone", timezone=timezone), *press.build_edits())


def _pass_on_row(
    press: ButtonPress, kind: Literal["assistant", "model"]
) -> Sequence[HandlerResult] | None:
    row_id = parse_row_id(press.value)
    if row_id is None and press.value != DEFAULT_OPTION:
        return None
    return (press.build_press(kind, row_id=row_id),)
