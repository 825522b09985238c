"""redis-py's client over a shared connection."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import DataError, ExecAbortError, ResponseError
from redis.utils import str_if_bytes

from smart_kit.redis.shared_connection import Command, SharedConnection

_BLOCKING_COMMANDS = frozenset(
    (
        "BLMOVE",
        "BLMPOP",
        "BLPOP",
        "BRPOP",
        "BRPOPLPUSH",
        "BZMPOP",
        "BZPOPMAX",
        "BZPOPMIN",
        "WAIT",
        "WAITAOF",
    )
)
_BLOCKING_READS = frozenset(("XREAD", "XREADGROUP"))
"""Commands that block only with the option BLOCK."""
_BLOCK_OPTIONS = (b"BLOCK", "BLOCK")

_CONNECTION_COMMANDS = frozenset(
    (
        "AUTH",
        "DISCARD",
        "EXEC",
        "HELLO",
        "MONITOR",
        "MULTI",
        "PSUBSCRIBE",
        "PUNSUBSCRIBE",
        "QUIT",
        "RESET",
        "SELECT",
        "SSUBSCRIBE",
        "SUBSCRIBE",
        "SUNSUBSCRIBE",
        "UNSUBSCRIBE",
        "UNWATCH",
        "WATCH",
    )
)
"""Commands that change the state of their connection, and so would change that of all callers."""


class SharedRedis(redis.asyncio.Redis):
    """A client whose commands and pipelines share one connection.

    Subscriptions and commands that block have connections of their own. Raises DataError for
    commands that change the state of their connection, e.g. WATCH.
    """

    def __init__(
        self, *, socket_timeout: float, socket_connect_timeout: float, retry: Retry, **options: Any
    ) -> None:
        super().__init__(
            socket_timeout=socket_timeout,
            socket_connect_timeout=socket_connect_timeout,
            retry=retry,
            **options,
        )
        self._shared_connection = SharedConnection(
            self.connection_pool.make_connection,
            reply_timeout=socket_timeout,
            connect_timeout=socket_connect_timeout,
            retry=retry,
        )

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command and return its converted reply."""
        name = _check_command(args)
        if name in _BLOCKING_COMMANDS or NEVER_DECODE in options or _is_blocking_read(name, args):
            execute: Any = super().execute_command
            return await execute(*args, **options)
        [reply] = await self._shared_connection.run((args,))
        return await self.convert_reply(args[0], reply, options)

    async def run_commands(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands together. Return replies as received; one may be a ResponseError."""
        return await self._shared_connection.run(commands)

    async def convert_reply(self, name: str | bytes, reply: Any, options: Mapping[str, Any]) -> Any:
        """Return what redis-py's method returns for a reply. Raises the reply if it is an error."""
        if isinstance(reply, ResponseError):
            if EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise reply
        callback = self.response_callbacks.get(name)
        if callback is None:
            return reply
        # redis-py's own methods do not pass these to callbacks either
        passed = {key: v for key, v in options.items() if key not in ("keys", EMPTY_RESPONSE)}
        converted = callback(reply, **passed)
        return await converted if inspect.isawaitable(converted) else converted

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return a pipeline whose commands leave together, with `transaction` as MULTI/EXEC."""
        return SharedPipeline(self, transaction, shard_hint)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Wait for replies, then close all connections."""
        await self._shared_connection.aclose()
        await super().aclose(close_connection_pool)


class SharedPipeline(Pipeline):
    """Commands that a SharedRedis sends together."""

    def __init__(self, client: SharedRedis, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self._client = client

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command now; redis-py does this with WATCH and to load scripts."""
        return await self._client.execute_command(*args, **options)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Run the commands of this pipeline and return their results; errors only if not raised."""
        stack = self.command_stack
        try:
            if not stack:
                return []
            if self.scripts:
                await self.load_scripts()  # type: ignore[no-untyped-call]
            commands: list[Command] = [args for args, _ in stack]
            for command in commands:
                _check_command(command)
            if self.is_transaction or self.explicit_transaction:
                replies = await self._run_transaction(commands)
            else:
                replies = await self._client.run_commands(commands)
            return await self._convert_replies(replies, raise_on_error)
        finally:
            await self.reset()  # type: ignore[no-untyped-call]

    async def _run_transaction(self, commands: list[Command]) -> list[Any]:
        *queued, replies = await self._client.run_commands([("MULTI",), *commands, ("EXEC",)])
        if isinstance(replies, ExecAbortError):  # Redis refused to queue a command: none was run
            self.raise_first_error(self.command_stack, queued[1:])
        if isinstance(replies, ResponseError):
            raise replies
        return list(replies)

    async def _convert_replies(self, replies: list[Any], raise_on_error: bool) -> list[Any]:
        results = []
        for (args, options), reply in zip(self.command_stack, replies, strict=True):
            try:
                results.append(await self._client.convert_reply(args[0], reply, options))
            except ResponseError as error:
                results.append(error)
        if raise_on_error:
            self.raise_first_error(self.command_stack, results)
        return results


def _check_command(command: Command) -> str:
    """Return the command's name in capitals."""
    name = str(str_if_bytes(command[0])).upper()
    if name in _CONNECTION_COMMANDS:
        raise DataError(f"{name} cannot use a shared connection.")
    return name


def _is_blocking_read(name: str, args: Command) -> bool:
    return name in _BLOCKING_READS and any(argument in _BLOCK_OPTIONS for argument in args)
