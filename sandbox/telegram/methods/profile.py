"""What the bot says about itself: name, description, short description."""

from sandbox.telegram.call import Call, Handler, Method
from sandbox.telegram.errors import bad_request

_LIMITS = {"name": 64, "description": 512, "short_description": 120}


def _setter(field: str) -> Handler:
    async def set_field(call: Call) -> bool:
        text = call.parameters.text(field)
        if len(text) > _LIMITS[field]:
            raise bad_request(f"bot {field.replace('_', ' ')} is too long")
        call.world.bot.set_text(field, call.parameters.text("language_code"), text)
        call.world.tell_of_bot()
        return True

    return set_field


def _getter(field: str) -> Handler:
    async def get_field(call: Call) -> dict[str, str]:
        language_code = call.parameters.text("language_code")
        return {field: call.world.bot.shown(field, language_code)}

    return get_field


METHODS = tuple(
    method
    for field, name in (
        ("name", "MyName"),
        ("description", "MyDescription"),
        ("short_description", "MyShortDescription"),
    )
    for method in (
        Method(f"set{name}", (field, "language_code"), _setter(field)),
        Method(f"get{name}", ("language_code",), _getter(field)),
    )
)
