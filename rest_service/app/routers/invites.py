from fastapi import APIRouter

from smart_kit.contracts.users import InviteCreate, InviteRead, InviteRedeem, UserRead

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..services.users import invites

router = APIRouter(prefix="/invites", tags=["invites"])


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_invite(session: SessionDep, body: InviteCreate) -> InviteRead:
    """A code that lets one person in, within an hour. It is shown this once."""
    return await invites.create(session, body)


@router.post("/redeem")
async def redeem_invite(session: SessionDep, settings: SettingsDep, body: InviteRedeem) -> UserRead:
    """Let in who has the code. The same person may send it again."""
    return await invites.redeem(session, body, settings.owner_telegram_id)
