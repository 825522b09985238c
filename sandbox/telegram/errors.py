"""Errors of the Bot API."""


class BotApiError(Exception):
    """An answer with `ok: false`; the HTTP status is `code`.

    `parameters` are the fields of `ResponseParameters`, such as `retry_after` in seconds.
    """

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> BotApiError:
    """Build a 400 error. Telegram lower-cases the first letter unless the reason is a CODE."""
    is_code = len(reason) > 1 and (reason[1] == "_" or reason[1].isupper())
    text = reason if is_code else reason[:1].lower() + reason[1:]
    return BotApiError(400, f"Bad Request: {text}")


def conflict(reason: str) -> BotApiError:
    """Build a 409 error: another reader receives the updates."""
    return BotApiError(409, f"Conflict: {reason}")


def too_many_requests(seconds: int) -> BotApiError:
    """Build a 429 error with the seconds to wait."""
    return BotApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
