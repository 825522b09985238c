"""People's consent to Google, and their events there."""

from fastapi import APIRouter, Depends

from smart_kit.api import error_responses
from smart_kit.errors import NotAuthenticated

from ..services.calendar import GoogleNotConfigured, refusal
from .dependencies import CurrentSettings, authenticate, person

consent = APIRouter(
    prefix="/auth", tags=["consent"], responses=error_responses(GoogleNotConfigured)
)
events = APIRouter(
    prefix="/events",
    tags=["events"],
    dependencies=[Depends(authenticate), Depends(person)],
    responses=error_responses(NotAuthenticated, GoogleNotConfigured),
)

ROUTERS = (consent, events)


@consent.get(
    "/url/{user_id}",
    summary="Where a person consents",
    dependencies=[Depends(authenticate), Depends(person)],
    responses=error_responses(NotAuthenticated),
)
async def consent_url(settings: CurrentSettings) -> None:
    """The address at Google where this person lets the assistant into their calendar."""
    raise refusal(settings)


@consent.get("/callback", summary="Google sends the person back here")
async def consent_given(settings: CurrentSettings) -> None:
    """Comes from the person's browser, so it carries no token of ours."""
    raise refusal(settings)


@events.get("/{user_id}", summary="A person's events")
async def list_events(settings: CurrentSettings) -> None:
    """The events of this person's Google calendar."""
    raise refusal(settings)


@events.post("/{user_id}", summary="Create an event", status_code=201)
async def create_event(settings: CurrentSettings) -> None:
    """Puts an event into this person's Google calendar."""
    raise refusal(settings)
