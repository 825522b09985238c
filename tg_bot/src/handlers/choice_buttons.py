"""The buttons of /assistant and /model: the assistant applies them, in order with messages."""

from collections.abc import Sequence
from typing import Literal

from ..texts.choice_prompts import DEFAULT_OPTION
from .button_values import parse_row_id
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


def _pass_on_row(
    press: ButtonPress, kind: Literal["assistant", "model"]
) -> Sequence[HandlerResult] | None:
    row_id = parse_row_id(press.value)
    if row_id is None and press.value != DEFAULT_OPTION:
        return None
    return (press.build_press(kind, row_id=row_id),)
