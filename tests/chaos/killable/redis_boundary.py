"""Records Redis commands, pipelines and scripts as side effects.

A script is named after its .lua file, or after the constant that holds it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript

from smart_kit.redis.client import SharedPipeline, SharedRedis
from tests.chaos.killable.broken_mailboxes import BrokenMailbox
from tests.chaos.killable.crash_points import CrashPoints, mask_ids

READ_COMMANDS = frozenset(
    (
        "GET",
        "HGETALL",
        "HKEYS",
        "HLEN",
        "LLEN",
        "LRANGE",
        "MGET",
        "PING",
        "SCAN",
        "SCRIPT LOAD",
        "TIME",
        "XINFO CONSUMERS",
        "XLEN",
        "XPENDING",
        "XRANGE",
        "XREAD",
        "XREVRANGE",
        "ZCARD",
    )
)
"""Commands that change nothing."""

_ReplyPredicate = Callable[[Any], bool]


def _has_entries(reply: Any) -> bool:
    streams = reply.values() if isinstance(reply, dict) else [stream[1] for stream in reply or ()]
    return any(any(entries) for entries in streams)


def _has_claimed(reply: Any) -> bool:
    return bool(reply[1])


def _has_woken(reply: Any) -> bool:
    return int(reply[0]) > 0


def _has_repaired(reply: Any) -> bool:
    return int(reply) > 0


REPLY_PREDICATES: dict[str, _ReplyPredicate] = {
    "XREADGROUP": _has_entries,
    "XAUTOCLAIM": _has_claimed,
    "promote": _has_woken,
    "take_over": bool,
    "reconcile": _has_repaired,
}
"""Commands that are called all the time; the predicate returns whether the reply shows a change."""


def instrument(crash_points: CrashPoints, broken_mailbox: BrokenMailbox) -> None:
    """Patch the Redis client in this process."""
    scripts: dict[str, str] = {}
    _track_script_names(scripts, broken_mailbox)
    for client in (Redis, SharedRedis):
        _record_commands(client, crash_points, scripts)
    for pipeline in (Pipeline, SharedPipeline):
        _record_pipelines(pipeline, crash_points, scripts)


def _record_commands(client: Any, crash_points: CrashPoints, scripts: dict[str, str]) -> None:
    execute = client.execute_command

    async def execute_command(self: Redis, *args: Any, **options: Any) -> Any:
        command, effect = _get_effect_name(args, scripts)
        return await crash_points.run_effect(
            effect, lambda: execute(self, *args, **options), REPLY_PREDICATES.get(command)
        )

    client.execute_command = execute_command


def _record_pipelines(pipeline: Any, crash_points: CrashPoints, scripts: dict[str, str]) -> None:
    execute = pipeline.execute

    async def execute_pipeline(self: Pipeline, raise_on_error: bool = True) -> Any:
        effects = (_get_effect_name(args, scripts)[1] for args, _ in self.command_stack)
        combined = " + ".join(dict.fromkeys(filter(None, effects))) or None
        return await crash_points.run_effect(combined, lambda: execute(self, raise_on_error))

    pipeline.execute = execute_pipeline


def _get_effect_name(args: tuple[Any, ...], scripts: dict[str, str]) -> tuple[str, str | None]:
    """Return the command or script, and the name of its side effect; None if it has none."""
    command = str(args[0]).upper()
    if command == "EVALSHA":
        script, key = scripts.get(str(args[1]), "unnamed script"), str(args[3])
        return script, f"{script} {mask_ids(key.removesuffix(':active'))}"
    if command in READ_COMMANDS:
        return command, None
    if command == "XREADGROUP":
        stream = args[args.index(b"STREAMS") + 1]
        return command, f"{command} {stream}"
    subject = mask_ids(str(args[1])) if len(args) > 1 else ""
    return command, f"{command} {subject}"


def _track_script_names(scripts: dict[str, str], broken_mailbox: BrokenMailbox) -> None:
    kind: Any = AsyncScript
    make = kind.__init__

    def init(self: AsyncScript, client: Any, script: str) -> None:
        name = _get_script_name(script, sys._getframe(1))
        make(self, client, broken_mailbox.break_script(name, script))
        scripts[self.sha] = name

    kind.__init__ = init


def _get_script_name(script: str, frame: FrameType) -> str:
    """Return the stem of its .lua file, or else the name of its constant in the calling module."""
    for file in Path(frame.f_globals["__file__"]).parent.rglob("*.lua"):
        if script.endswith(file.read_text()):
            return file.stem
    for name, value in frame.f_globals.items():
        if value == script:
            return name.strip("_").lower()
    return "unnamed script"
