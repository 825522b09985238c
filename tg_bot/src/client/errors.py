"""Every way in which a call of the Bot API fails, one type per decision somebody can take.

TelegramUnavailable     not sent, or a 5xx: again, for as long as it takes
├── TelegramRetryAfter      429: again after so many seconds, this chat only
├── TelegramConflict        409: another reader or a webhook takes the updates
├── TelegramFenced          not sent: another process may serve the bot by now
└── TelegramUncertain       the request went out, its answer never came: at most 3 times
TelegramUnauthorized    401, 404: the token or the address is wrong
└── MethodUnknown           404: the server is older than the method
TelegramRejected        the request itself is refused
├── TelegramForbidden       403: the person does not want us
└── TelegramBadRequest      400: our fault
    ├── FormattingRefused       the same text goes again, plain
    └── MessageTooLong          the same text goes again, in smaller pieces

No text of these holds the token, and none chains aiohttp's error, which quotes the URL and so
the token.
"""

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable


class TelegramUnavailable(UpstreamUnavailable):
    """Telegram cannot be reached at the moment."""


class TelegramRetryAfter(TelegramUnavailable):
    """Telegram asks for a pause."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, status=429, retry_after=retry_after)
        self.seconds = retry_after


class TelegramConflict(TelegramUnavailable):
    """Another process reads this bot's updates."""


class LeaseNotHeld(TelegramUnavailable):
    """Nothing is said to Telegram while another process may be serving the bot."""


class TelegramOutcomeUnknown(TelegramUnavailable):
    """Telegram has the request, perhaps; its answer never came."""


class TelegramUnauthorized(UpstreamRejected):
    """Telegram refuses the token."""


class MethodNotFound(TelegramUnauthorized):
    """The server does not know this method."""


class TelegramRejected(UpstreamRejected):
    """Telegram refuses the request."""


class TelegramForbidden(TelegramRejected):
    """The person does not want to hear from the bot."""


class TelegramBadRequest(TelegramRejected):
    """Telegram says that the request is wrong."""


class EntityParseError(TelegramBadRequest):
    """Telegram cannot read the formatting."""


class MessageTooLong(TelegramBadRequest):
    """The message is longer than Telegram takes."""


TelegramError = TelegramUnavailable | TelegramUnauthorized | TelegramRejected
TELEGRAM_ERRORS = (TelegramUnavailable, TelegramUnauthorized, TelegramRejected)
"""Whatever a call can raise."""
