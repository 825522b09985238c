from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.audit import AuditRead
from smart_kit.contracts.base import Page

from ..dependencies import AdminOnly, SessionDep
from ..services import audit_log
from ..services.audit_log import AuditQuery
from ..services.records.crud import ANY_OWNER

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[AdminOnly])


@router.get("")
async def list_audit_entries(
    session: SessionDep, query: Annotated[AuditQuery, Query()]
) -> Page[AuditRead]:
    """List writes through the API and refused writes, newest first.

    `started` is a write outside Postgres (dead letters), recorded before it is made. `refused` are
    requests against a rule or with a wrong form (422). Requests that reach no operation are not
    recorded: no valid token (401), unknown path (404) or method (405), body too large (413) or not
    JSON (415), a parameter given twice. Refusals are kept for 30 days, 100 an hour for each caller;
    `suppressed_count` counts the others.
    """
    return await audit_log.RECORDS.read_page(session, query, ANY_OWNER)
