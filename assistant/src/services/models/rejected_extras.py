"""What a model has added to its own messages, and may no longer be able to read."""

import hashlib
from collections.abc import Collection, Iterable

from ...messages.item import ChatItem

MAX_REJECTED = 10_000
"""So many messages are remembered at a time; who is forgotten is refused once more."""


class RejectedExtras:
    """Messages, by their digests, that go to their own model as to every other one."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def __or__(self, more: Collection[bytes]) -> frozenset[bytes]:
        return frozenset(self._digests.union(more)) if self._digests or more else frozenset()

    def add(self, digests: Collection[bytes]) -> None:
        """Remember them."""
        if len(self._digests) > MAX_REJECTED:
            self._digests.clear()
        self._digests.update(digests)


def digest_item(item: ChatItem) -> bytes:
    """Known by this, whatever its length."""
    return hashlib.blake2b(item.json.encode(), digest_size=16).digest()


def digest_items_with_extras(
    items: Iterable[ChatItem], writer: str, names: Collection[str]
) -> frozenset[bytes]:
    """The messages to which this writer has added something of these names."""
    return frozenset(
        digest_item(item)
        for item in items
        if not (item.get_extras(writer) or {}).keys().isdisjoint(names)
    )
