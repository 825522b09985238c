"""A tool that is all record: it makes the HTTP call that an administrator has described."""

from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict

from smart_kit.contracts.configuration import SecretSnapshot, ToolSnapshot
from smart_kit.contracts.functions import Arguments
from smart_kit.errors import InvalidInputError, ToolExecutionError, UpstreamError
from smart_kit.guarded_http import (
    NotReached,
    NotSendable,
    OutsideAnswer,
    OutsideRequest,
    RedirectRefused,
)
from smart_kit.outside_url import AddressRefused, OutsideUrl

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, ToolServices
from .rest_answer import told
from .rest_request import filled

_REFUSAL_CHARACTERS = 2_000
_UNKNOWN = "Whether it was done is not known: do not call again."


class GivenArguments(Arguments):
    """What the record's schema accepts, and nobody else judges."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @property
    def by_name(self) -> dict[str, Any]:
        """All of them."""
        return dict(self.model_extra or {})


class RestTool(BaseTool[GivenArguments]):
    """Knows no more than its record; what writes is begun at most once."""

    function = "rest"
    arguments = GivenArguments

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        super().__init__(record, services)
        self.may_write = record.effect_class == "writes"
        self.is_repeatable = not self.may_write

    async def _run(
        self,
        context: ToolContext,  # noqa: ARG002 # no server is told whom it is asked for
        arguments: GivenArguments,
    ) -> ToolResult:
        """Raises InvalidInputError where the server refuses what was asked, else
        ToolExecutionError."""
        revealed: dict[str, str] = {}
        request = self._request(arguments, revealed)
        try:
            answer = await self._services.send(request)
        except UpstreamError as error:
            raise ToolExecutionError(self._failure(error)) from error
        return ToolResult(content=self._accepted(answer, revealed))

    def _request(self, arguments: GivenArguments, revealed: dict[str, str]) -> OutsideRequest:
        """`revealed` grows by the secrets in it."""
        call = self._record.http_call
        assert call is not None

        def reveal(name: str) -> str:
            revealed[name] = self._secret(name, call.url)
            return revealed[name]

        return filled(call, arguments.by_name, reveal)

    def _secret(self, name: str, url: str) -> str:
        """Decrypted, if it was given for the server of this call."""
        secret = next(self._secrets_named(name), None)
        if secret is None:
            raise ToolExecutionError(f"The secret {name} of {self.name} is missing.")
        if OutsideUrl.parse(secret.origin).origin != OutsideUrl.parse(url).origin:
            raise ToolExecutionError(f"The secret {name} was given for another server.")
        value = self._services.vault.decrypt(secret.id, secret.encrypted_value)
        if value is None or not value.isprintable():
            raise ToolExecutionError(f"The secret {name} cannot be read.")
        return value

    def _secrets_named(self, name: str) -> Iterator[SecretSnapshot]:
        return (secret for secret in self._services.secrets if secret.name == name)

    def _accepted(self, answer: OutsideAnswer, revealed: dict[str, str]) -> str:
        status = answer.status
        if status == 401:
            raise ToolExecutionError(f"The server of {self.name} does not know us (HTTP 401).")
        if status == 429:
            raise ToolExecutionError(f"The server of {self.name} was asked too often (HTTP 429).")
        if status >= 500:
            unknown = f" {_UNKNOWN}" if self.may_write else ""
            raise ToolExecutionError(f"The server of {self.name} failed (HTTP {status}).{unknown}")
        if status >= 400:
            said = told(answer, revealed, _REFUSAL_CHARACTERS)
            raise InvalidInputError(f"The call was refused; other arguments may help. {said}")
        return told(answer, revealed)

    def _failure(self, error: UpstreamError) -> str:
        """What the person is told; the reason, which may name addresses, goes into the log."""
        server = f"The server of {self.name}"
        if isinstance(error, NotReached):
            return f"{server} cannot be reached at the moment."
        if isinstance(error, NotSendable):
            return f"What {self.name} would send is no request, so nothing was sent."
        if isinstance(error, AddressRefused) and not isinstance(error, RedirectRefused):
            return f"{server} is at an address that may not be asked."
        unknown = f" {_UNKNOWN}" if self.may_write else ""
        return f"{server} gave no answer that can be used.{unknown}"
