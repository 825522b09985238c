"""get_time: the current time, for the user or anywhere else."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.builtin_functions import GetTimeArguments

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext
from .timezones import zone_for


class TimeTool(BaseTool[GetTimeArguments]):
    """Returns the time in the user's zone or in that of a place."""

    function = "get_time"
    arguments = GetTimeArguments

    async def _run(self, context: ToolContext, arguments: GetTimeArguments) -> ToolResult:
        place = (arguments.place or "").strip()
        now = self._services.clock.now(context.turn.zone).replace(microsecond=0)
        zone = ZoneInfo(zone_for(place, now)) if place else context.turn.zone
        now = now.astimezone(zone)
        return ToolResult(content=f"{now.isoformat()} {now:%A}, {zone.key}")
