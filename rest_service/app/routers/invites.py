from fastapi import APIRouter

from smart_kit.contracts.users import (
    InviteCreate,
    InviteRead,
    InviteRedeem,
    UserRead,
)

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..services.users import invites

router = APIRouter(prefix="/invites", tags=["invites"])


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_invite(session: SessionDep, body: InviteCreate) -> InviteRead:
    """Create a code that lets one user in, within an hour. It is shown only once."""
    return await invites.create(session, body)


@router.post("/redeem")
async def redeem_invite(session: SessionDep, settings: SettingsDep, body: InviteRedeem) -> UserRead:
    """Redeem a code. The same user may repeat the request."""
    return await invites.redeem(session, body, settings.owner_telegram_id)
