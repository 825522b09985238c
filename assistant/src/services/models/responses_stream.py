"""Puts the events of the Responses API together; those that are not needed are passed over."""

from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import UpstreamUnavailable

from ...core.errors import CutOff
from .errors import error_of

_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class ResponsesStream:
    """See Assembly. Without a terminal event it was cut."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._items: list[Any] = []
        self._response: JsonObject | None = None

    @property
    def text(self) -> str:
        """See Assembly."""
        return "".join(self._said)

    @property
    def is_complete(self) -> bool:
        """See Assembly."""
        return self._response is not None

    def add(self, event: JsonObject) -> None:
        """See Assembly. Raises CutOff for an error that may pass: the answer is asked for again."""
        kind = event.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            if isinstance(delta := event.get("delta"), str):
                self._said.append(delta)
        elif kind == "response.output_item.done":
            self._items.append(event.get("item"))
        elif kind in _TERMINAL:
            response = event.get("response")
            self._response = response if isinstance(response, dict) else {}
        elif kind == "error" or event.get("error"):
            refusal = error_of(None, event.get("error") or event, {})
            if isinstance(refusal, UpstreamUnavailable):
                raise CutOff(refusal.message)
            raise refusal

    def body(self) -> JsonObject:
        """See Assembly: the items as each was done, where a terminal event has none."""
        response = self._response or {}
        return {**response, "output": response.get("output") or self._items}
