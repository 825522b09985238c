"""Turns a tool record of rest_service into a tool."""

from typing import Any

import structlog

from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.contracts.functions import find_function

from . import TOOLS
from .base import BaseTool, ToolServices
from .rest_tool import RestTool

_BY_FUNCTION = {tool.function: tool for tool in TOOLS}

log = structlog.stdlib.get_logger()


class RestServiceTool:
    """A tool record that can become a tool."""

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        self._record = record
        self._services = services

    def to_tool(self) -> BaseTool[Any] | None:
        """Return the tool of the record's type and name; None: this version has none."""
        tool = self._find_tool_class()
        if tool is None:
            log.warning(
                "tool skipped: unknown function",
                tool=self._record.name,
                type=self._record.tool_type,
            )
            return None
        return tool(self._record, self._services)

    def _find_tool_class(self) -> type[BaseTool[Any]] | None:
        if self._record.tool_type == "rest":
            return RestTool if self._record.http_call is not None else None
        function = find_function(self._record.tool_type, self._record.name)
        return _BY_FUNCTION.get(function.name) if function is not None else None
