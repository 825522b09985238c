"""Messages whose provider extras their own model no longer accepts."""

import hashlib
from collections.abc import Collection, Iterable

from ...messages.item import ChatItem

MAX_REJECTED = 10_000
"""Digests kept at a time; a message that was dropped is rejected once more and learnt again."""


class RejectedExtras:
    """Digests of messages that are sent to their own model without extras, as to any other."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def union(self, more: Collection[bytes]) -> frozenset[bytes]:
        """Return these digests and the given ones."""
        return frozenset(self._digests.union(more)) if self._digests or more else frozenset()

    def add(self, digests: Collection[bytes]) -> None:
        """Store digests."""
        if len(self._digests) > MAX_REJECTED:
            self._digests.clear()
        self._digests.update(digests)


def digest_item(item: ChatItem) -> bytes:
    """Return a short key of the message."""
    return hashlib.blake2b(item.json.encode(), digest_size=16).digest()


def digest_items_with_extras(
    items: Iterable[ChatItem], writer: str, names: Collection[str]
) -> frozenset[bytes]:
    """Return the digests of the messages to which `writer` added extras of any of these names."""
    return frozenset(
        digest_item(item)
        for item in items
        if not (item.get_extras(writer) or {}).keys().isdisjoint(names)
    )
