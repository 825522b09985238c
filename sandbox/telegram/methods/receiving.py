"""getUpdates and what belongs to it."""

from typing import Any

from sandbox.telegram.call import Answer, Call, Method
from sandbox.telegram.errors import BotApiError, bad_request
from sandbox.telegram.state.updates import MAX_POLL_SECONDS


async def get_updates(call: Call) -> list[dict[str, Any]]:
    """Waiting updates, at once or as soon as one comes within `timeout` seconds."""
    world, given = call.world, call.parameters
    updates = world.updates
    offset = given.integer("offset", low=-(2**31), high=2**62)
    limit = given.integer("limit", default=100, low=1, high=100)
    timeout = given.integer("timeout", low=0, high=MAX_POLL_SECONDS)
    _allow(call)
    updates.end_poll()
    if offset:
        world.confirm(offset)
    world.commit()
    if not updates.count() and timeout:
        await updates.wait(timeout)
    return updates.waiting(limit)


def _allow(call: Call) -> None:
    """A missing or broken list leaves what was set before."""
    try:
        kinds = call.parameters.json("allowed_updates", "allowed_updates")
    except BotApiError:
        return
    if isinstance(kinds, list):
        call.world.updates.allow([kind for kind in kinds if isinstance(kind, str)])


async def set_webhook(call: Call) -> Answer:
    """Only its removal: the sandbox calls nobody."""
    if call.parameters.text("url"):
        raise bad_request("bad webhook: the sandbox delivers updates by getUpdates only")
    _allow(call)
    return await delete_webhook(call)


async def delete_webhook(call: Call) -> Answer:
    """There is never one; waiting updates are dropped on demand."""
    if call.parameters.flag("drop_pending_updates"):
        call.world.drop_updates()
    return Answer(True, "Webhook is already deleted")


async def get_webhook_info(call: Call) -> dict[str, Any]:
    """A `WebhookInfo` without a webhook."""
    updates = call.world.updates
    info: dict[str, Any] = {
        "url": "",
        "has_custom_certificate": False,
        "pending_update_count": updates.count(),
    }
    return info | ({"allowed_updates": updates.allowed} if updates.allowed else {})


async def get_me(call: Call) -> dict[str, Any]:
    """The bot."""
    return call.world.bot.to_me()


METHODS = (
    Method("getMe", (), get_me),
    Method("getUpdates", ("offset", "limit", "timeout", "allowed_updates"), get_updates),
    Method(
        "setWebhook",
        (
            "url",
            "certificate",
            "ip_address",
            "max_connections",
            "allowed_updates",
            "drop_pending_updates",
            "secret_token",
        ),
        set_webhook,
    ),
    Method("deleteWebhook", ("drop_pending_updates",), delete_webhook),
    Method("getWebhookInfo", (), get_webhook_info),
)
