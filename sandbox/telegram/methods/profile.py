"""What the bot says about itself: name, description, short description."""

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import ApiMethod, MethodCall, MethodHandler

_MAX_LENGTHS = {"name": 64, "description": 512, "short_description": 120}


def _make_setter(field: str) -> MethodHandler:
    async def set_field(call: MethodCall) -> bool:
        text = call.parameters.get_text(field)
        if len(text) > _MAX_LENGTHS[field]:
            raise bad_request(f"bot {field.replace('_', ' ')} is too long")
        call.state.bot.set_text(field, call.parameters.get_text("language_code"), text)
        call.state.publish_bot_changed()
        return True

    return set_field


def _make_getter(field: str) -> MethodHandler:
    async def get_field(call: MethodCall) -> dict[str, str]:
        language_code = call.parameters.get_text("language_code")
        return {field: call.state.bot.get_effective_text(field, language_code)}

    return get_field


METHODS = tuple(
    method
    for field, name in (
        ("name", "MyName"),
        ("description", "MyDescription"),
        ("short_description", "MyShortDescription"),
    )
    for method in (
        ApiMethod(f"set{name}", (field, "language_code"), _make_setter(field)),
        ApiMethod(f"get{name}", ("language_code",), _make_getter(field)),
    )
)
