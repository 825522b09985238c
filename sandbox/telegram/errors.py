"""The one error of the Bot API: what the answer's envelope says instead of a result."""


class BotApiError(Exception):
    """An answer with `ok: false`; the HTTP status is `code`.

    `parameters` are a `ResponseParameters`: retry_after in seconds, migrate_to_chat_id.
    """

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> BotApiError:
    """400; Telegram writes the reason's first letter small unless the reason is a CODE."""
    is_code = len(reason) > 1 and (reason[1] == "_" or reason[1].isupper())
    text = reason if is_code else reason[:1].lower() + reason[1:]
    return BotApiError(400, f"Bad Request: {text}")


def conflict(reason: str) -> BotApiError:
    """409: somebody else receives the updates."""
    return BotApiError(409, f"Conflict: {reason}")


def too_many_requests(seconds: int) -> BotApiError:
    """429: not before so many seconds."""
    return BotApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
