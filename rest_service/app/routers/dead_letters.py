from typing import Annotated

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.dead_letters import (
    DeadLetterContentRead,
    DeadLetterId,
    DeadLetterRead,
)

from ..dependencies import AdminOnly, BeginDep, GraveyardsDep
from ..services import dead_letters
from ..services.dead_letters import DeadLetterSlice

router = APIRouter(prefix="/dead-letters", tags=["dead-letters"], dependencies=[AdminOnly])


@router.get("")
async def list_dead_letters(
    graveyards: GraveyardsDep, wanted: Annotated[DeadLetterSlice, Query()]
) -> Page[DeadLetterRead]:
    """Messages that nobody could handle, of both queues, the newest first."""
    return await dead_letters.read_page(graveyards, wanted)


@router.get("/{letter_id}")
async def get_dead_letter(
    graveyards: GraveyardsDep, letter_id: DeadLetterId
) -> DeadLetterContentRead:
    """One of them with what it holds, which may be somebody's words."""
    return await dead_letters.read(graveyards, letter_id)


@router.post("/{letter_id}/replay", status_code=204)
async def replay_dead_letter(
    graveyards: GraveyardsDep, letter_id: DeadLetterId, begin: BeginDep
) -> None:
    """Have it handled once more, after what waits in its conversation.

    Its finished steps are not repeated. 400 for what never was a message of a queue.
    """
    await dead_letters.replay(graveyards, letter_id, begin)


@router.delete("/{letter_id}", status_code=204)
async def drop_dead_letter(
    graveyards: GraveyardsDep, letter_id: DeadLetterId, begin: BeginDep
) -> None:
    """Forget it."""
    await dead_letters.drop(graveyards, letter_id, begin)
