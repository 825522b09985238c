"""getMe, getUpdates and the webhook methods."""

from typing import Any

from sandbox.telegram.errors import BotApiError, conflict
from sandbox.telegram.method_call import DescribedResult, MethodCall
from sandbox.telegram.state.updates import MAX_POLL_SECONDS, OTHER_POLL_REASON
from sandbox.telegram.state.webhook import WebhookTarget

_WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


async def get_me(call: MethodCall) -> dict[str, Any]:
    """Return the bot's `User`."""
    return call.state.bot.to_get_me_result()


async def get_updates(call: MethodCall) -> list[Any]:
    """Return pending updates; wait up to `timeout` seconds for the first one."""
    state, given, updates = call.state, call.parameters, call.state.updates
    offset = given.get_int("offset", low=-(2**31), high=2**62)
    limit = given.get_int("limit", default=100, low=1, high=100)
    timeout = given.get_int("timeout", low=0, high=MAX_POLL_SECONDS)
    if state.webhook.target is not None:
        raise conflict(_WEBHOOK_ACTIVE)
    _set_allowed_updates(call)
    updates.terminate_poll(OTHER_POLL_REASON)
    if offset:
        state.confirm_updates(offset)
    state.commit()
    if not updates.count_pending() and timeout:
        await updates.long_poll(timeout)
    return [update for _, update in updates.list_pending(limit)]


def _set_allowed_updates(call: MethodCall) -> None:
    """Set the allowed kinds; a missing or malformed list changes nothing."""
    try:
        kinds = call.parameters.get_json("allowed_updates", "allowed_updates")
    except BotApiError:
        return
    if isinstance(kinds, list):
        call.state.updates.set_allowed_kinds([kind for kind in kinds if isinstance(kind, str)])


async def set_webhook(call: MethodCall) -> DescribedResult:
    """Set the webhook; an empty URL removes it."""
    state, given = call.state, call.parameters
    url = given.get_text("url")
    if not url:
        _set_allowed_updates(call)
        return await delete_webhook(call)
    state.updates.terminate_poll("terminated by setWebhook request")
    target = WebhookTarget(
        url=url,
        secret_token=given.get_text("secret_token"),
        max_connections=given.get_int("max_connections", default=40, low=1, high=100),
        ip_address=given.get_text("ip_address"),
        has_custom_certificate=not given.is_missing("certificate"),
    )
    is_new = await state.webhook.set_target(target)
    _set_allowed_updates(call)
    if given.get_bool("drop_pending_updates"):
        state.drop_updates()
    return DescribedResult("Webhook was set" if is_new else "Webhook is already set")


async def delete_webhook(call: MethodCall) -> DescribedResult:
    """Remove the webhook, and drop the pending updates if requested."""
    existed = call.state.webhook.delete()
    if call.parameters.get_bool("drop_pending_updates"):
        call.state.drop_updates()
    return DescribedResult("Webhook was deleted" if existed else "Webhook is already deleted")


async def get_webhook_info(call: MethodCall) -> dict[str, Any]:
    """Return a `WebhookInfo`."""
    updates = call.state.updates
    info = {**call.state.webhook.to_json(), "pending_update_count": updates.count_pending()}
    return info | ({"allowed_updates": updates.allowed_kinds} if updates.allowed_kinds else {})
