"""What getWebhookInfo says, as far as the bot reads it."""

from pydantic import BaseModel, ConfigDict


class WebhookInfo(BaseModel):
    """The state of the bot's webhook."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = ""
    """Empty: none is set."""
    pending_update_count: int = 0
    last_error_date: int | None = None
    """Unix time of the last delivery that failed."""
    last_error_message: str = ""
