"""create_task, list_tasks, change_task: the user's tasks."""

from functools import partial
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import (
    ChangeTaskArguments,
    CreateTaskArguments,
    ListTasksArguments,
)
from smart_kit.contracts.tasks import TaskCreate, TaskRead, TaskUpdate
from smart_kit.errors import DomainError, ToolExecutionError, UpstreamError

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, validate_fields
from .mutating_tool import MutatingTool
from .timezones import deadline_to_utc, format_local

MAX_LISTED_TASKS = 50


class CreateTaskTool(MutatingTool[CreateTaskArguments]):
    """Creates a task of the user who writes."""

    function = "create_task"
    arguments = CreateTaskArguments
    noun = "task"

    async def _run(self, context: ToolContext, arguments: CreateTaskArguments) -> ToolResult:
        if arguments.due is not None:
            context.require_timezone()
        fields = {"user_id": context.turn.user.id, **_build_fields(context, arguments)}
        task = validate_fields(TaskCreate, fields)
        request = self._services.rest.create_task(task, context.idempotency_key)
        render = partial(_render_result, "Task noted", context.turn.zone)
        return await self._write(context, request, render)


class ListTasksTool(BaseTool[ListTasksArguments]):
    """Lists the user's own tasks, with the ids that change_task needs."""

    function = "list_tasks"
    arguments = ListTasksArguments

    async def _run(self, context: ToolContext, arguments: ListTasksArguments) -> ToolResult:
        turn, status = context.turn, arguments.status or "open"
        try:
            tasks = await self._services.rest.list_tasks(turn.user.id, status, MAX_LISTED_TASKS)
        except (DomainError, UpstreamError) as error:
            raise ToolExecutionError("The tasks cannot be read at the moment.") from error
        if not tasks.items:
            return ToolResult(content=f"There are no {status} tasks.")
        count = f"{len(tasks.items)} of {tasks.total}" if tasks.total > len(tasks.items) else "All"
        lines = (f"- {_render_task(task, turn.zone)}" for task in tasks.items)
        head = f"{count} {status} tasks, times in {turn.zone.key}:"
        return ToolResult(content="\n".join((head, *lines)))


class ChangeTaskTool(MutatingTool[ChangeTaskArguments]):
    """Changes the given fields of one of the user's tasks."""

    function = "change_task"
    arguments = ChangeTaskArguments
    noun = "task"

    async def _run(self, context: ToolContext, arguments: ChangeTaskArguments) -> ToolResult:
        if arguments.due is not None:
            context.require_timezone()
        change = validate_fields(TaskUpdate, _build_fields(context, arguments))
        user_id, key = context.turn.user.id, context.idempotency_key
        request = self._services.rest.update_task(arguments.id, change, user_id, key)
        render = partial(_render_result, "Task changed", context.turn.zone)
        return await self._write(context, request, render)


def _build_fields(
    context: ToolContext, arguments: CreateTaskArguments | ChangeTaskArguments
) -> JsonObject:
    """Return the given fields by their names in rest_service, with `due` as an instant."""
    fields = arguments.model_dump(include={"title", "status", "priority"}, exclude_none=True)
    if arguments.due is not None:
        zone = context.turn.zone
        fields |= {"due_at": deadline_to_utc(arguments.due, zone, "due"), "timezone": zone.key}
    return fields


def _render_result(what: str, zone: ZoneInfo, task: TaskRead) -> str:
    return f"{what}, times in {zone.key}: {_render_task(task, zone)}"


def _render_task(task: TaskRead, zone: ZoneInfo) -> str:
    """Return a line such as “buy milk [due Fri 2026-11-27 23:59] [high] (id …)”."""
    marks = [f"due {format_local(task.due_at, zone)}"] if task.due_at is not None else []
    marks += [task.status] if task.status != "open" else []
    marks += [task.priority] if task.priority != "normal" else []
    title = " ".join(task.title.split())
    return " ".join((title, *(f"[{mark}]" for mark in marks), f"(id {task.id})"))
