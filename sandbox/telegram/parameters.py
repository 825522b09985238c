"""The parameters of one call, however they came: query, form, multipart or JSON."""

import json
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.telegram.errors import bad_request

_TRUE_VALUES = ("true", "yes", "1")


class CallParameters:
    """Reads values as leniently as Telegram does: numbers are clamped, not refused."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Raises BotApiError for text that UTF-8 cannot hold."""
        _validate_encoding(values)
        self._values = values

    @property
    def values(self) -> dict[str, Any]:
        """Everything as it came."""
        return self._values

    @property
    def names(self) -> set[str]:
        """What was given."""
        return set(self._values)

    def is_missing(self, name: str) -> bool:
        """Whether it is absent or an empty string; null in JSON counts as given."""
        return bool(self._values.get(name, "") == "")

    def get_text(self, name: str) -> str:
        """A string; empty when missing."""
        value = self._values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def get_int(self, name: str, *, default: int = 0, low: int, high: int) -> int:
        """A number moved into its bounds; what is no number counts as missing."""
        try:
            value = int(self.get_text(name) or default)
        except ValueError:
            value = default
        return min(max(value, low), high)

    def get_bool(self, name: str) -> bool:
        """A Boolean; false when missing."""
        return self.get_text(name).lower() in _TRUE_VALUES

    def get_json(self, name: str, what: str) -> Any:
        """An object or array; None when missing. In forms it is a JSON string."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            return value if value != "" else None
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"can't parse {what}") from error
        _validate_encoding(decoded)
        return decoded


def _validate_encoding(value: Any) -> None:
    """JSON can escape halves of characters, which are no text."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise bad_request("strings must be encoded in UTF-8") from error


async def read_parameters(request: web.Request) -> CallParameters:
    """Everything a request brought; the body wins over the query."""
    values: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        values |= await _read_body(request)
    return CallParameters(values)


async def _read_body(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return await _read_json(request)
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    return {}


async def _read_json(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        return {}
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(values, dict):
        raise bad_request("object expected as the request body")
    return values


async def _read_multipart(request: web.Request) -> dict[str, Any]:
    """Fields only: no method of the sandbox takes a file yet."""
    values: dict[str, Any] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.name:
            values[part.name] = part.filename or await part.text()
    return values
