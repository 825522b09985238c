"""Accumulates the events of a Responses API stream; events that are not needed are ignored."""

from operator import itemgetter

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ....core.errors import StreamInterrupted
from ..transport.error_responses import error_from_response
from .responses_parser import FINAL_PHASE, MESSAGE_SEPARATOR

_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class ResponsesStreamAccumulator:
    """See StreamAccumulator. A stream without a terminal event is incomplete."""

    def __init__(self) -> None:
        self._text_parts: dict[int | None, list[str]] = {}
        """By the index of the message in the output."""
        self._final_index: int | None = None
        """Index of the last message in the phase of the final answer."""
        self._items: list[tuple[int, JsonObject]] = []
        """Finished items with their index in the output."""
        self._response: JsonObject | None = None
        self.has_started = False

    @property
    def text(self) -> str:
        """See StreamAccumulator."""
        final = None if self._final_index is None else self._text_parts.get(self._final_index)
        texts = self._text_parts.values() if final is None else (final,)
        return MESSAGE_SEPARATOR.join(filter(str.strip, map("".join, texts)))

    @property
    def is_complete(self) -> bool:
        """See StreamAccumulator."""
        return self._response is not None

    def add(self, event: JsonObject) -> None:
        """See StreamAccumulator. Raises StreamInterrupted for an error that a retry may solve."""
        kind = event.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if isinstance(delta := event.get("delta"), str):
                self._text_parts.setdefault(_get_output_index(event), []).append(delta)
                self.has_started = True
        elif kind == "response.output_item.added":
            item = event.get("item")
            self.has_started = True
            if isinstance(item, dict) and item.get("phase") == FINAL_PHASE:
                self._final_index = _get_output_index(event)
        elif kind == "response.output_item.done":
            index, item = _get_output_index(event), event.get("item")
            if isinstance(item, dict):
                self._items.append((len(self._items) if index is None else index, item))
            self.has_started = True
        elif kind in _TERMINAL:
            response = event.get("response")
            self._response = {"status": kind.removeprefix("response.")}
            self._response |= response if isinstance(response, dict) else {}
        elif kind == "error" or event.get("error"):
            error = error_from_response(None, event.get("error") or event, {})
            if isinstance(error, UpstreamUnavailable):
                raise StreamInterrupted(error.message, has_started=self.has_started)
            raise error

    def build_response(self) -> JsonObject:
        """See StreamAccumulator. Where the terminal event has no output, the finished items in
        their order replace it."""
        response = self._response or {}
        done = [item for _, item in sorted(self._items, key=itemgetter(0))]
        return {**response, "output": response.get("output") or done}


def _get_output_index(event: JsonObject) -> int | None:
    index = event.get("output_index")
    return index if isinstance(index, int) else None
