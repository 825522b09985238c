"""Events of the built-in calendar."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Name, RecordRead, RequestBody, UtcDatetime, ZonedOrLocalTime
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.examples import EXAMPLE_IDS, example_config
from smart_kit.settings import TimeZoneName

EventText = Annotated[str, StringConstraints(max_length=8192, pattern=r"^[^\x00]*$")]
Location = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00]*$")]
Attendee = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"),
    Field(description="An e-mail address", examples=["ann@example.org"]),
]
Attendees = Annotated[list[Attendee], Field(max_length=100)]


class CalendarEventCreate(RequestBody):
    """A new event. It ends after it starts; an all-day event lasts from midnight to midnight."""

    model_config = example_config(
        user_id=EXAMPLE_IDS["users"],
        title="Chess club",
        starts_at="2031-11-27T19:00:00+01:00",
        ends_at="2031-11-27T21:00:00+01:00",
        location="Library",
    )

    user_id: UUID
    title: Name
    starts_at: ZonedOrLocalTime
    ends_at: ZonedOrLocalTime
    timezone: TimeZoneName | None = Field(None, description="null: the user's time zone")
    is_all_day: bool = False
    description: EventText = ""
    location: Location = ""
    attendees: Attendees = Field(default_factory=list)


class CalendarEventUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(title="Chess club, finals")

    title: Name | None = None
    starts_at: ZonedOrLocalTime | None = None
    ends_at: ZonedOrLocalTime | None = None
    timezone: TimeZoneName | None = None
    is_all_day: bool | None = None
    description: EventText | None = None
    location: Location | None = None
    attendees: Attendees | None = None


class CalendarEventRead(RecordRead):
    """A calendar event."""

    user_id: UUID
    title: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime = Field(description="End of the event, exclusive")
    timezone: str
    is_all_day: bool
    description: str
    location: str
    attendees: list[str]
    google_event_id: str | None = None
    """Id in Google Calendar, if the event is stored there."""
    effect: EffectRead | None = None
    """The receipt, if the request had an Idempotency-Key."""
