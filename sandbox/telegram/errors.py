"""The one error of the Bot API: what the answer's envelope says instead of a result."""


class BotApiError(Exception):
    """An answer with `ok: false`; the HTTP status is `code`."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def bad_request(reason: str) -> BotApiError:
    """400; Telegram writes the reason's first letter small unless the reason is a CODE."""
    is_code = len(reason) > 1 and (reason[1] == "_" or reason[1].isupper())
    text = reason if is_code else reason[:1].lower() + reason[1:]
    return BotApiError(400, f"Bad Request: {text}")
