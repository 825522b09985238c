"""Puts the events of the Responses API together; those that are not needed are passed over."""

from operator import itemgetter

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ...core.errors import CutOff
from .errors import error_of
from .responses_answer import FINAL, PARTING

_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class ResponsesStream:
    """See Assembly. Without a terminal event it was cut."""

    def __init__(self) -> None:
        self._said: dict[int | None, list[str]] = {}
        """By the place of its message in the answer."""
        self._final: int | None = None
        """The place of the last one that is the final answer."""
        self._items: list[tuple[int, JsonObject]] = []
        """Each with its place."""
        self._response: JsonObject | None = None
        self.has_begun = False

    @property
    def text(self) -> str:
        """See Assembly."""
        final = None if self._final is None else self._said.get(self._final)
        said = self._said.values() if final is None else (final,)
        return PARTING.join(filter(str.strip, map("".join, said)))

    @property
    def is_complete(self) -> bool:
        """See Assembly."""
        return self._response is not None

    def add(self, event: JsonObject) -> None:
        """See Assembly. Raises CutOff for an error that may pass: the answer is asked for again."""
        kind = event.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if isinstance(delta := event.get("delta"), str):
                self._said.setdefault(_place(event), []).append(delta)
                self.has_begun = True
        elif kind == "response.output_item.added":
            item = event.get("item")
            self.has_begun = True
            if isinstance(item, dict) and item.get("phase") == FINAL:
                self._final = _place(event)
        elif kind == "response.output_item.done":
            place, item = _place(event), event.get("item")
            if isinstance(item, dict):
                self._items.append((len(self._items) if place is None else place, item))
            self.has_begun = True
        elif kind in _TERMINAL:
            response = event.get("response")
            self._response = {"status": kind.removeprefix("response.")}
            self._response |= response if isinstance(response, dict) else {}
        elif kind == "error" or event.get("error"):
            refusal = error_of(None, event.get("error") or event, {})
            if isinstance(refusal, UpstreamUnavailable):
                raise CutOff(refusal.message, has_begun=self.has_begun)
            raise refusal

    def body(self) -> JsonObject:
        """See Assembly: the items as each was done, in their order, where a terminal event has
        none."""
        response = self._response or {}
        done = [item for _, item in sorted(self._items, key=itemgetter(0))]
        return {**response, "output": response.get("output") or done}


def _place(event: JsonObject) -> int | None:
    place = event.get("output_index")
    return place if isinstance(place, int) else None
