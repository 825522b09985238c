"""Ids as OpenAI makes them."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def random_id(length: int) -> str:
    """So many letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
