"""Turns a tool record of rest_service into a tool."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import structlog

from smart_kit.contracts.builtin_functions import FUNCTIONS, find_function
from smart_kit.contracts.configuration import ToolSnapshot

from .base import BaseTool, ToolServices
from .rest_tool import RestTool


def _find_tool_classes() -> dict[str, type[BaseTool[Any]]]:
    """Return the tools of the modules `<name>_tool` in this folder, by their functions' names."""
    functions = {function.name for function in FUNCTIONS}
    folder = iter_modules([str(Path(__file__).parent)])
    names = [module.name for module in folder if module.name.endswith("_tool")]
    members = [
        member for name in names for member in vars(import_module(f".{name}", __package__)).values()
    ]
    return {
        member.function: member
        for member in members
        if isinstance(member, type)
        and issubclass(member, BaseTool)
        and vars(member).get("function") in functions
    }


TOOLS = _find_tool_classes()
"""All built-in tools. None is listed by hand: a new tool is its module and its function."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class RestServiceTool:
    """A tool record that can become a tool."""

    record: ToolSnapshot
    services: ToolServices

    def to_tool(self) -> BaseTool[Any] | None:
        """Return the tool of the record's type and name; None: this version has none."""
        name, tool_type = self.record.name, self.record.tool_type
        tool: type[BaseTool[Any]] | None = None
        if tool_type == "rest":
            tool = RestTool if self.record.http_call is not None else None
        elif function := find_function(tool_type, name):
            tool = TOOLS.get(function.name)
        if tool is None:
            log.warning("tool skipped: unknown function", tool=name, type=tool_type)
            return None
        return tool(self.record, self.services)
