"""getUpdates and what belongs to it."""

from typing import Any

from sandbox.telegram.call import Answer, Call, Method
from sandbox.telegram.errors import BotApiError, conflict
from sandbox.telegram.state.updates import MAX_POLL_SECONDS, OTHER_POLL
from sandbox.telegram.state.webhook import Target

_WEBHOOK = (
    "can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


async def get_updates(call: Call) -> list[dict[str, Any]]:
    """Waiting updates, at once or as soon as one comes within `timeout` seconds."""
    world, given = call.world, call.parameters
    updates = world.updates
    offset = given.integer("offset", low=-(2**31), high=2**62)
    limit = given.integer("limit", default=100, low=1, high=100)
    timeout = given.integer("timeout", low=0, high=MAX_POLL_SECONDS)
    if world.webhook.target is not None:
        raise conflict(_WEBHOOK)
    _allow(call)
    updates.end_poll(OTHER_POLL)
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
    """Where updates go from now on; an empty address removes it."""
    world, given = call.world, call.parameters
    url = given.text("url")
    if not url:
        _allow(call)
        return await delete_webhook(call)
    world.updates.end_poll("terminated by setWebhook request")
    target = Target(
        url=url,
        secret_token=given.text("secret_token"),
        max_connections=given.integer("max_connections", default=40, low=1, high=100),
        ip_address=given.text("ip_address"),
        has_custom_certificate=not given.is_missing("certificate"),
    )
    is_new = await world.webhook.set(target)
    _allow(call)
    if given.flag("drop_pending_updates"):
        world.drop_updates()
    return Answer(True, "Webhook was set" if is_new else "Webhook is already set")


async def delete_webhook(call: Call) -> Answer:
    """Back to getUpdates; waiting updates are dropped on demand."""
    was_there = call.world.webhook.delete()
    if call.parameters.flag("drop_pending_updates"):
        call.world.drop_updates()
    return Answer(True, "Webhook was deleted" if was_there else "Webhook is already deleted")


async def get_webhook_info(call: Call) -> dict[str, Any]:
    """A `WebhookInfo`."""
    updates = call.world.updates
    info = {**call.world.webhook.to_json(), "pending_update_count": updates.count()}
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
