"""A tool that makes the HTTP call that an administrator has described in its record."""

from pydantic import ConfigDict

from smart_kit.contracts.builtin_functions import Arguments
from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.errors import InvalidInputError, ToolExecutionError, UpstreamError
from smart_kit.safe_http.client import ConnectionFailed, InvalidHttpRequest, RedirectBlocked
from smart_kit.safe_http.messages import HttpResponse
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, ToolServices
from .rest_tool_request import build_request
from .rest_tool_response import render_response

_MAX_REFUSAL_CHARACTERS = 2_000
_OUTCOME_UNKNOWN = "Whether it was done is not known: do not call again."


class RestArguments(Arguments):
    """Any arguments: only the record's schema validates them."""

    model_config = ConfigDict(frozen=True, extra="allow")


class RestTool(BaseTool[RestArguments]):
    """Calls an external server. A call that may write is made at most once."""

    function = "rest"
    arguments = RestArguments

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        super().__init__(record, services)
        self.may_write = record.effect_class == "writes"
        self.is_repeatable = not self.may_write
        self._server = f"The server of {self.name}"
        self._outcome_note = f" {_OUTCOME_UNKNOWN}" if self.may_write else ""

    async def _run(
        self,
        context: ToolContext,  # noqa: ARG002 # servers do not learn who the user is
        arguments: RestArguments,
    ) -> ToolResult:
        secret_values: dict[str, str] = {}
        call = self._record.http_call
        assert call is not None

        def reveal(name: str) -> str:
            secret_values[name] = self._decrypt_secret(name, call.url)
            return secret_values[name]

        request = build_request(call, arguments.model_extra or {}, reveal)
        try:
            response = await self._services.send_http(request)
        except UpstreamError as error:
            raise ToolExecutionError(self._describe_failure(error)) from error
        return ToolResult(content=self._render_or_raise(response, secret_values))

    def _decrypt_secret(self, name: str, url: str) -> str:
        named = (secret for secret in self._services.secrets if secret.name == name)
        secret = next(named, None)
        if secret is None:
            raise ToolExecutionError(f"The secret {name} of {self.name} is missing.")
        if CanonicalUrl.parse(secret.origin).origin != CanonicalUrl.parse(url).origin:
            raise ToolExecutionError(f"The secret {name} was given for another server.")
        value = self._services.vault.decrypt(secret.id, secret.encrypted_value)
        if value is None or not value.isprintable():
            raise ToolExecutionError(f"The secret {name} cannot be read.")
        return value

    def _render_or_raise(self, response: HttpResponse, secret_values: dict[str, str]) -> str:
        status = response.status
        if status == 401:
            raise ToolExecutionError(f"{self._server} rejected our credentials (HTTP 401).")
        if status == 429:
            raise ToolExecutionError(f"{self._server} limits requests at the moment (HTTP 429).")
        if status >= 500:
            raise ToolExecutionError(f"{self._server} failed (HTTP {status}).{self._outcome_note}")
        if status >= 400:
            excerpt = render_response(response, secret_values, _MAX_REFUSAL_CHARACTERS)
            raise InvalidInputError(f"The call was refused; other arguments may help. {excerpt}")
        return render_response(response, secret_values)

    def _describe_failure(self, error: UpstreamError) -> str:
        """Return the text for the user; the reason, which may name addresses, is only logged."""
        if isinstance(error, ConnectionFailed):
            return f"{self._server} cannot be reached at the moment."
        if isinstance(error, InvalidHttpRequest):
            return f"What {self.name} would send is not a valid request, so nothing was sent."
        if isinstance(error, AddressBlocked) and not isinstance(error, RedirectBlocked):
            return f"{self._server} is at an address that must not be called."
        return f"{self._server} sent no usable answer.{self._outcome_note}"
