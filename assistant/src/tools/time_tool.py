"""get_time: what time it is, for the person or anywhere else."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.functions import GetTime

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext
from .timezones import zone_for


class TimeTool(BaseTool[GetTime]):
    """Asks the clock, in the person's zone or in that of a place."""

    function = "get_time"
    arguments = GetTime

    async def _run(self, context: ToolContext, arguments: GetTime) -> ToolResult:
        """Raises InvalidInputError for a place that is not known."""
        place = (arguments.place or "").strip()
        zone = ZoneInfo(zone_for(place)) if place else context.turn.zone
        now = self._services.clock.now(zone).replace(microsecond=0)
        return ToolResult(content=f"{now.isoformat()} {now:%A}, {zone.key}")
