"""Facts about a chat."""

from typing import Any

from sandbox.telegram.method_call import ApiMethod, MethodCall

_GIFT_TYPES = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)


async def get_chat(call: MethodCall) -> dict[str, Any]:
    """A `ChatFullInfo` of a private chat."""
    person = call.get_person()
    return person.to_chat() | {
        "active_usernames": [person.username],
        "accent_color_id": person.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFT_TYPES, False),
    }


METHODS = (ApiMethod("getChat", ("chat_id",), get_chat),)
