from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.audit import AuditRead
from smart_kit.contracts.base import Page

from ..dependencies import AdminOnly, SessionDep
from ..services import audit
from ..services.audit import AuditSlice

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[AdminOnly])


@router.get("")
async def list_audit_entries(
    session: SessionDep, wanted: Annotated[AuditSlice, Query()]
) -> Page[AuditRead]:
    """What was written through the API, and which writes a rule refused, the newest first."""
    return await audit.read_page(session, wanted)
