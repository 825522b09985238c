"""Errors in OpenAI's envelope."""

from dataclasses import dataclass
from typing import Any

_TYPE_NAMES = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}


@dataclass(eq=False)
class OpenAiError(Exception):
    """An error that is answered as `{"error": {…}}`."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400

    def to_json(self) -> dict[str, Any]:
        """Return the response body."""
        return {
            "error": {
                "message": self.message,
                "type": "invalid_request_error",
                "param": self.param,
                "code": self.code,
            }
        }


def missing_parameter_error(name: str) -> OpenAiError:
    """Build the error for a required parameter that is missing."""
    message = f"Missing required parameter: '{name}'."
    return OpenAiError(message, name, "missing_required_parameter")


def invalid_type_error(param: str, expected: str, value: Any) -> OpenAiError:
    """Build the error for a parameter of the wrong type."""
    kind = _TYPE_NAMES.get(type(value), "null" if value is None else "a number")
    message = f"Invalid type for '{param}': expected {expected}, but got {kind} instead."
    return OpenAiError(message, param, "invalid_type")
