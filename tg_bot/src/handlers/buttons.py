"""The table of inline buttons: what becomes of a press."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from .choice_buttons import handle_assistant_choice, handle_model_choice
from .incoming import ButtonPress, HandlerResult, HandlerServices
from .job_move import handle_keep_jobs, handle_move_jobs
from .language_command import handle_language_button
from .reminder_buttons import handle_done, handle_snooze
from .reminder_list import handle_cancel_job
from .task_list import handle_finish_task
from .timezone_command import handle_timezone_answer, handle_timezone_button

ButtonHandler = Callable[[HandlerServices, ButtonPress], Awaitable[Sequence[HandlerResult] | None]]
"""Returns what becomes of the press; None if no button of ours has this value."""

BUTTONS: Mapping[str, ButtonHandler] = {
    "assistant": handle_assistant_choice,
    "model": handle_model_choice,
    "timezone_answer": handle_timezone_answer,
    "timezone": handle_timezone_button,
    "language": handle_language_button,
    "move_jobs": handle_move_jobs,
    "keep_jobs": handle_keep_jobs,
    "cancel_job": handle_cancel_job,
    "finish_task": handle_finish_task,
    "done": handle_done,
    "snooze_10m": handle_snooze,
    "snooze_1h": handle_snooze,
    "snooze_1d": handle_snooze,
}
"""By the first part of the callback data, `<kind>:<value>`."""
