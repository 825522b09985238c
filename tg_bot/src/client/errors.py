"""The errors of Bot API calls, one type for each reaction of the caller.

TelegramUnavailable     not sent, or 5xx: retry as long as it takes
├── TelegramRetryAfter      429: retry after the given seconds, this chat only
├── TelegramConflict        409: another program polls, or a webhook is set
├── LeaseNotHeld            not sent: another process may be serving the bot
└── TelegramOutcomeUnknown  sent, but there was no response: try at most 3 times
TelegramUnauthorized    401, 404: the token or the API address is wrong
└── MethodNotFound          404: the server is older than the method
TelegramRejected        the request itself is refused
├── TelegramForbidden       403: the user has blocked the bot
└── TelegramBadRequest      400: the request is wrong
    ├── EntityParseError        send the same text without formatting
    └── MessageTooLong          send the same text in smaller parts

No message contains the token. aiohttp's errors are not chained: they quote the URL, which does.
"""

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable


class TelegramUnavailable(UpstreamUnavailable):
    """Telegram is unavailable."""


class TelegramRetryAfter(TelegramUnavailable):
    """Telegram asks the bot to pause."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, status=429, retry_after=retry_after)
        self.seconds = retry_after


class TelegramConflict(TelegramUnavailable):
    """Another program receives this bot's updates."""


class LeaseNotHeld(TelegramUnavailable):
    """This process does not hold the leader lease."""


class TelegramOutcomeUnknown(TelegramUnavailable):
    """Telegram did not respond, so it is unknown whether it handled the request."""


class TelegramUnauthorized(UpstreamRejected):
    """Telegram refuses the token."""


class MethodNotFound(TelegramUnauthorized):
    """The server does not know this method."""


class TelegramRejected(UpstreamRejected):
    """Telegram refuses the request."""


class TelegramForbidden(TelegramRejected):
    """The user has blocked the bot."""


class TelegramBadRequest(TelegramRejected):
    """Telegram refuses the request as invalid."""


class EntityParseError(TelegramBadRequest):
    """Telegram cannot parse the formatting."""


class MessageTooLong(TelegramBadRequest):
    """The message exceeds Telegram's length limit."""


TelegramError = TelegramUnavailable | TelegramUnauthorized | TelegramRejected
TELEGRAM_ERRORS = (TelegramUnavailable, TelegramUnauthorized, TelegramRejected)
"""All errors that a call can raise."""
