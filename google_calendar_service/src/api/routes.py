"""Routes for users' consent and for their events in Google Calendar."""

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
    summary="Get the consent URL",
    dependencies=[Depends(authenticate), Depends(validate_user_id)],
    responses=error_responses(NotAuthenticated),
)
async def get_consent_url(settings: CurrentSettings) -> None:
    """Return the URL at Google where the user grants access to their calendar."""
    raise build_unavailable_error(settings)


@consent_router.get("/callback", summary="Receive the user from Google")
async def handle_consent_callback(settings: CurrentSettings) -> None:
    """Finish the consent. The user's browser sends this request, so it has no service token."""
    raise build_unavailable_error(settings)


@events_router.get("/{user_id}", summary="List events")
async def list_events(settings: CurrentSettings) -> None:
    """List the events of the user's Google calendar."""
    raise build_unavailable_error(settings)


@events_router.post("/{user_id}", summary="Create an event", status_code=201)
async def create_event(settings: CurrentSettings) -> None:
    """Create an event in the user's Google calendar."""
    raise build_unavailable_error(settings)
