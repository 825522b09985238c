from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.dead_letters import DeadLetterContentRead, DeadLetterId, DeadLetterRead

from ..dependencies import AdminOnly, AuditAheadDep, ResourcesDep
from ..services import dead_letters
from ..services.dead_letters import DeadLetterQuery

router = APIRouter(prefix="/dead-letters", tags=["dead-letters"], dependencies=[AdminOnly])


@router.get("")
async def list_dead_letters(
    resources: ResourcesDep, query: Annotated[DeadLetterQuery, Query()]
) -> Page[DeadLetterRead]:
    """List the messages of both queues that could not be processed, newest first."""
    return await dead_letters.read_page(resources.dead_letter_queues, query)


@router.get("/{dead_letter_id}")
async def get_dead_letter(
    resources: ResourcesDep, dead_letter_id: DeadLetterId
) -> DeadLetterContentRead:
    """One dead letter with its payload, which may contain texts of users."""
    return await dead_letters.read(resources.dead_letter_queues, dead_letter_id)


@router.post("/{dead_letter_id}/replay", status_code=204)
async def replay_dead_letter(
    resources: ResourcesDep, dead_letter_id: DeadLetterId, audit_ahead: AuditAheadDep
) -> None:
    """Put the message back at the end of its conversation's queue.

    Its finished steps are not repeated. 400 for what never was a message of a queue.
    """
    await dead_letters.replay(resources.dead_letter_queues, dead_letter_id, audit_ahead)


@router.delete("/{dead_letter_id}", status_code=204)
async def delete_dead_letter(
    resources: ResourcesDep, dead_letter_id: DeadLetterId, audit_ahead: AuditAheadDep
) -> None:
    """Delete a dead letter."""
    await dead_letters.delete(resources.dead_letter_queues, dead_letter_id, audit_ahead)
