"""Errors in OpenAI's envelope."""

from typing import Any


class OpenAiError(Exception):
    """An error that is answered as `{"error": {…}}`."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code

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
