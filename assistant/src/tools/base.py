"""The base class of tools: validates arguments, runs, and turns errors into text for the model."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError

from smart_kit.clock import Clock
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import Arguments
from smart_kit.contracts.configuration import SecretSnapshot, ToolSnapshot
from smart_kit.errors import InvalidInputError, RetryMessage, ToolExecutionError
from smart_kit.json_schema import MAX_ERRORS, JsonSchemaValidator
from smart_kit.mailbox import LeaseLost
from smart_kit.safe_http.messages import HttpRequest, HttpResponse
from smart_kit.vault import Vault

from ..core.errors import TimezoneRequired
from ..core.journal import ToolResult
from ..core.turn import Turn
from ..services.open_meteo import OpenMeteoClient
from ..services.rest_service import RestServiceClient
from ..services.tool_result_cache import ToolResultCache

MAX_RESULT_CHARACTERS = 16_000
"""Longest result; a longer one would displace the conversation from the model's window."""

TOOL_TIMEOUT_SECONDS = 30.0

ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)
ContractT = TypeVar("ContractT", bound=BaseModel)
log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class ToolContext:
    """Turn and step of a call. The user comes from here, never from the call's arguments."""

    turn: Turn
    step: str

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt at the call."""
        return f"{self.turn.message_id}/{self.step}"

    def require_timezone(self) -> None:
        """Check that the user's time zone is known, before something is planned by it.

        Raises TimezoneRequired, which ends the turn with a question, or InvalidInputError if the
        turn has changed something, because the question repeats the whole request.
        """
        turn = self.turn
        if turn.user.timezone is not None or turn.is_scheduled:
            return
        if turn.receipts:
            raise InvalidInputError(
                "The user's time zone is not known. Ask in which city they live; then call"
                " change_settings, and this again."
            )
        raise TimezoneRequired


class CallableAssistant(Protocol):
    """What a tool needs of another assistant: see assistants/factory.py."""

    @property
    def may_write(self) -> bool:
        """Whether a call could change something."""

    async def run(self, context: ToolContext, message: str) -> str:
        """Return the answer to the message."""


def _refuse_assistant(assistant_id: UUID) -> CallableAssistant:
    raise LookupError(f"assistant {assistant_id} is asked for before there is a factory")


@dataclass(frozen=True)
class ToolServices:
    """Clients and other dependencies of tools."""

    rest: RestServiceClient
    clock: Clock
    weather: OpenMeteoClient
    send_http: Callable[[HttpRequest], Awaitable[HttpResponse]]
    """Calls a server that an administrator named: `SafeHttpClient.send`."""
    vault: Vault
    result_cache: ToolResultCache
    get_assistant: Callable[[UUID], CallableAssistant] = _refuse_assistant
    """Returns another assistant; set by the factory, because tools do not import assistants."""
    secrets: tuple[SecretSnapshot, ...] = ()
    """Secrets of the configuration; set by the factory."""


class BaseTool(ABC, Generic[ArgumentsT]):
    """A function with the name, description and schema of one tool record."""

    function: ClassVar[str]
    """Its name in smart_kit.contracts.builtin_functions."""
    arguments: type[ArgumentsT]
    """The arguments that the code accepts, in addition to the record's schema."""
    may_write: bool = False
    is_repeatable: bool = True
    """False for external writes without an idempotency key: an interrupted call is not repeated."""
    timeout_seconds: ClassVar[float | None] = TOOL_TIMEOUT_SECONDS
    """Longest duration of a call; None: the call has limits of its own."""

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        self.name = record.name
        self._record = record
        self._services = services

    @property
    def definition(self) -> JsonObject:
        """The function definition in a model request."""
        return {
            "name": self.name,
            "description": self._record.description,
            "parameters": self._record.input_schema,
        }

    async def call(self, context: ToolContext, arguments: JsonObject) -> ToolResult:
        """Run the tool. Errors become results; only a lost message or Redis ends the turn."""
        try:
            given = self._validate_arguments(arguments)
            async with asyncio.timeout(self._timeout_for(context.turn)):
                result = await self._get_cached_or_run(context, given)
        except (LeaseLost, RetryMessage, RedisError, TimezoneRequired):
            raise
        except TimeoutError:
            return self._build_error_result(
                "It took too long, and whether it was done is not known."
            )
        except InvalidInputError as error:
            return ToolResult(content=f"Error: {error.message}")
        except ToolExecutionError as error:
            log.warning("tool failed", tool=self.name, reason=str(error.__cause__ or error))
            return self._build_error_result(error.message)
        except Exception:  # a bug in a tool must not cost the user the answer
            log.exception("tool crashed", tool=self.name)
            return self._build_error_result("The tool failed.")
        return result.model_copy(update={"content": _truncate(result.content)})

    async def _get_cached_or_run(self, context: ToolContext, arguments: ArgumentsT) -> ToolResult:
        """Return a cached result of the same call, where the record allows it, or run the call."""
        cache, record = self._services.result_cache, self._record
        if self.may_write or not record.cache_seconds:
            return await self._run(context, arguments)
        key = cache.build_key(record, context.turn, arguments.model_dump_json())
        found = await cache.get(key)
        if found is not None:
            return ToolResult(content=found)
        result = await self._run(context, arguments)
        await cache.set(key, result.content, record.cache_seconds)
        return result

    @abstractmethod
    async def _run(self, context: ToolContext, arguments: ArgumentsT) -> ToolResult:
        """Return the result. Raises InvalidInputError if the model can correct its call, else
        ToolExecutionError with a text for the user."""

    def _validate_arguments(self, arguments: JsonObject) -> ArgumentsT:
        """Return the arguments, if both the record's schema and the code accept them."""
        given = {  # models send null for arguments they omit
            name: value
            for name, value in arguments.items()
            if value is not None or self._may_be_null(name)
        }
        if errors := self._schema_validator.list_errors(given):
            raise _build_invalid_input_error(errors)
        try:
            # from JSON, because there a date does not become its midnight
            return self.arguments.model_validate_json(json.dumps(given))
        except ValidationError as error:
            raise _to_invalid_input_error(error) from error

    def _may_be_null(self, name: str) -> bool:
        """Return whether null is meant as a value, or has to be reported as an error."""
        schema = self._record.input_schema
        of_name = schema.get("properties", {}).get(name)
        types = of_name.get("type", ()) if isinstance(of_name, dict) else ()
        return name in schema.get("required", ()) or "null" in types

    @cached_property
    def _schema_validator(self) -> JsonSchemaValidator:
        return JsonSchemaValidator(self._record.input_schema)

    def _timeout_for(self, turn: Turn) -> float | None:
        if self.timeout_seconds is None:
            return None
        return min(self.timeout_seconds, max(1.0, turn.seconds_left))

    def _build_error_result(self, explanation: str) -> ToolResult:
        return ToolResult(content=f"Error: {explanation} Tell the user.")


def validate_fields(contract: type[ContractT], fields: JsonObject) -> ContractT:
    """Return the contract with these fields. Raises InvalidInputError if it refuses them."""
    try:
        return contract.model_validate(fields)
    except ValidationError as error:
        raise _to_invalid_input_error(error) from error


def _to_invalid_input_error(error: ValidationError) -> InvalidInputError:
    return _build_invalid_input_error([_format_validation_error(item) for item in error.errors()])


def _build_invalid_input_error(errors: list[str]) -> InvalidInputError:
    listed = "; ".join(errors[:MAX_ERRORS])
    return InvalidInputError(f"Wrong arguments: {listed}. Call again with right ones.")


def _format_validation_error(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _truncate(content: str) -> str:
    if len(content) <= MAX_RESULT_CHARACTERS:
        return content
    return f"{content[:MAX_RESULT_CHARACTERS]}\n(cut: {len(content)} characters in all)"
