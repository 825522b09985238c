"""The parameters of a call, from the query, a form, multipart data or JSON."""

import json
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.telegram.errors import bad_request

_TRUE_VALUES = ("true", "yes", "1")


class CallParameters:
    """Reads values as leniently as Telegram does: numbers are clamped, not refused."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Raise BotApiError for text that cannot be encoded as UTF-8."""
        _validate_encoding(values)
        self.values = values

    def is_missing(self, name: str) -> bool:
        """Return whether it is absent or an empty string; null in JSON counts as present."""
        return bool(self.values.get(name, "") == "")

    def get_text(self, name: str) -> str:
        """Return a string; empty when missing."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def get_int(self, name: str, *, default: int = 0, low: int, high: int) -> int:
        """Return a number clamped to its bounds; a value that is not a number counts as missing."""
        try:
            value = int(self.get_text(name) or default)
        except ValueError:
            value = default
        return min(max(value, low), high)

    def get_bool(self, name: str) -> bool:
        """Return a boolean; false when missing."""
        return self.get_text(name).lower() in _TRUE_VALUES

    def get_json(self, name: str, what: str) -> Any:
        """Return an object or array; None when missing. In forms it is a JSON string."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            return value if value != "" else None
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"can't parse {what}") from error
        _validate_encoding(decoded)
        return decoded


def _validate_encoding(value: Any) -> None:
    """Refuse lone surrogates, which JSON can escape but UTF-8 cannot encode."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise bad_request("strings must be encoded in UTF-8") from error


async def read_parameters(request: web.Request) -> CallParameters:
    """Read all parameters of a request; the body overrides the query."""
    values: dict[str, Any] = dict(request.query)
    match request.method, request.content_type:
        case "POST", "application/json":
            values |= await _read_json(request)
        case "POST", "multipart/form-data":
            values |= await _read_multipart(request)
        case "POST", "application/x-www-form-urlencoded":
            values |= await request.post()
    return CallParameters(values)


async def _read_json(request: web.Request) -> dict[str, Any]:
    try:
        values = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(values, dict):
        raise bad_request("object expected as the request body")
    return values


async def _read_multipart(request: web.Request) -> dict[str, Any]:
    """Read the fields; of a file only its name, because no method takes a file yet."""
    values: dict[str, Any] = {}
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.name:
            values[part.name] = part.filename or await part.text()
    return values
