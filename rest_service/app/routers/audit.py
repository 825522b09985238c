from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.audit import AuditRead
from smart_kit.contracts.base import Page

from ..dependencies import AdminOnly, SessionDep
from ..services import audit_log
from ..services.audit_log import AuditQuery

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[AdminOnly])


@router.get("")
async def list_audit_entries(
    session: SessionDep, query: Annotated[AuditQuery, Query()]
) -> Page[AuditRead]:
    """What was written through the API, and which writes were refused, the newest first.

    Begun: outside Postgres (dead letters), noted before it is done. Refused: by a rule or for their
    form (422). What comes to no operation is not here: without a valid token (401), at an unknown
    path (404), by another method (405), with a body that is too large (413) or no JSON (415), with
    a parameter given twice. What was done or begun is kept for ever; refusals are for 30 days, of
    each caller 100 an hour: `suppressed_count` counts the others.
    """
    return await audit_log.read_page(session, query)
