"""People's consent to Google, and their events there."""

from fastapi import APIRouter, Depends

from smart_kit.api import error_responses
from smart_kit.errors import NotAuthenticated

from ..services.calendar import GoogleNotConfigured, build_unavailable_error
from .dependencies import CurrentSettings, authenticate, validate_user_id

consent_router = APIRouter(
    prefix="/auth", tags=["consent"], responses=error_responses(GoogleNotConfigured)
)
events_router = APIRouter(
    prefix="/events",
    tags=["events"],
    dependencies=[Depends(authenticate), Depends(validate_user_id)],
    responses=error_responses(NotAuthenticated, GoogleNotConfigured),
)

ROUTERS = (consent_router, events_router)


@consent_router.get(
    "/url/{user_id}",
    summary="Where a person consents",
    dependencies=[Depends(authenticate), Depends(validate_user_id)],
    responses=error_responses(NotAuthenticated),
)
async def get_consent_url(settings: CurrentSettings) -> None:
    """The address at Google where this person lets the assistant into their calendar."""
    raise build_unavailable_error(settings)


@consent_router.get("/callback", summary="Google sends the person back here")
async def handle_consent_callback(settings: CurrentSettings) -> None:
    """Comes from the person's browser, so it carries no token of ours."""
    raise build_unavailable_error(settings)


@events_router.get("/{user_id}", summary="A person's events")
async def list_events(settings: CurrentSettings) -> None:
    """The events of this person's Google calendar."""
    raise build_unavailable_error(settings)


@events_router.post("/{user_id}", summary="Create an event", status_code=201)
async def create_event(settings: CurrentSettings) -> None:
    """Puts an event into this person's Google calendar."""
    raise build_unavailable_error(settings)
