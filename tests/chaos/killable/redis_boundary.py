"""What goes to Redis: commands, pipelines, and scripts by the names of their files or constants."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.commands.core import AsyncScript

from tests.chaos.killable.broken_mailboxes import BrokenMailbox
from tests.chaos.killable.crash_points import CrashPoints, mask

READING = frozenset(
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
        "XREVRANGE",
        "ZCARD",
    )
)
"""Nothing is different afterwards."""

_Judge = Callable[[Any], bool]


def _has_entries(answer: Any) -> bool:
    streams = answer.values() if isinstance(answer, dict) else [one[1] for one in answer or ()]
    return any(any(entries) for entries in streams)


def _has_claimed(answer: Any) -> bool:
    return bool(answer[1])


def _has_woken(answer: Any) -> bool:
    return int(answer[0]) > 0


def _has_found(answer: Any) -> bool:
    return int(answer) > 0


JUDGED: dict[str, _Judge] = {
    "XREADGROUP": _has_entries,
    "XAUTOCLAIM": _has_claimed,
    "promote": _has_woken,
    "reconcile": _has_found,
}
"""Asked all the time; a side effect only where something has come of it."""


def wrap(crash_points: CrashPoints, broken_mailbox: BrokenMailbox) -> None:
    """From now on, in this process."""
    scripts: dict[str, str] = {}
    _name_scripts(scripts, broken_mailbox)
    client: Any = Redis
    pipeline: Any = Pipeline
    execute, execute_all = client.execute_command, pipeline.execute

    async def execute_command(self: Redis, *args: Any, **options: Any) -> Any:
        command, effect = _effect(args, scripts)
        return await crash_points.run_effect(
            effect, lambda: execute(self, *args, **options), JUDGED.get(command)
        )

    async def execute_pipeline(self: Pipeline, raise_on_error: bool = True) -> Any:
        effects = (_effect(args, scripts)[1] for args, _ in self.command_stack)
        together = " + ".join(dict.fromkeys(filter(None, effects))) or None
        return await crash_points.run_effect(together, lambda: execute_all(self, raise_on_error))

    client.execute_command, pipeline.execute = execute_command, execute_pipeline


def _effect(args: tuple[Any, ...], scripts: dict[str, str]) -> tuple[str, str | None]:
    """The command or script, and what it does; None: nothing."""
    command = str(args[0]).upper()
    if command == "EVALSHA":
        script, key = scripts.get(str(args[1]), "unnamed script"), str(args[3])
        return script, f"{script} {mask(key.removesuffix(':active'))}"
    if command in READING:
        return command, None
    if command == "XREADGROUP":
        stream = args[args.index(b"STREAMS") + 1]
        return command, f"{command} {stream}"
    subject = mask(str(args[1])) if len(args) > 1 else ""
    return command, f"{command} {subject}"


def _name_scripts(scripts: dict[str, str], broken_mailbox: BrokenMailbox) -> None:
    kind: Any = AsyncScript
    make = kind.__init__

    def init(self: AsyncScript, client: Any, script: str) -> None:
        name = _name_of(script, sys._getframe(1))
        make(self, client, broken_mailbox.break_script(name, script))
        scripts[self.sha] = name

    kind.__init__ = init


def _name_of(script: str, maker: FrameType) -> str:
    """That of its file, else that of the constant in the module that makes it."""
    for file in Path(maker.f_globals["__file__"]).parent.rglob("*.lua"):
        if script.endswith(file.read_text()):
            return file.stem
    for name, value in maker.f_globals.items():
        if value == script:
            return name.strip("_").lower()
    return "unnamed script"
