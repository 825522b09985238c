"""The dependencies of the routes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import httpx2
import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import Caller
from smart_kit.errors import InvalidRequest, NotPermitted
from smart_kit.vault import Vault

from . import audit
from .audit.refusal_throttle import RefusalThrottle
from .config import Settings
from .database import SessionFactory
from .idempotency import IdempotentOperation, compute_fingerprint
from .services.configuration.versions import ChangeAuthor
from .services.dead_letters import AuditAhead, DeadLetterQueues
from .services.providers.check import ProviderChecker
from .services.records.call_context import CallContext
from .services.records.crud import OwnerScope
from .session_changes import get_changes
from .snapshots.publisher import SnapshotPublisher

if TYPE_CHECKING:  # aiohttp takes 8 MB, and is rarely used here
    from smart_kit.safe_http.client import SafeHttpClient


@dataclass(frozen=True)
class Resources:
    """Objects that live as long as the application."""

    settings: Settings
    sessions: SessionFactory
    publisher: SnapshotPublisher
    vault: Vault
    dead_letter_queues: DeadLetterQueues
    refusal_throttle: RefusalThrottle
    provider_http: httpx2.AsyncClient
    """For model providers, whose addresses come from administrators."""
    make_safe_http: "Callable[[], SafeHttpClient]"
    """For all other addresses."""

    @property
    def provider_checker(self) -> ProviderChecker:
        """The checker of provider connections."""
        return ProviderChecker(self.sessions, self.vault, self.provider_http)


async def get_resources(request: Request) -> Resources:
    """Return the resources of the application."""
    found: Resources = request.app.state.resources
    return found


ResourcesDep = Annotated[Resources, Depends(get_resources)]


async def get_settings(resources: ResourcesDep) -> Settings:
    """Return the settings of the service."""
    return resources.settings


async def unit_of_work(
    request: Request, response: Response, resources: ResourcesDep
) -> AsyncIterator[AsyncSession]:
    """Provide a session; commit and publish its changes before the response is sent."""
    async with resources.sessions() as session:
        known = structlog.contextvars.get_contextvars()
        session.info[ChangeAuthor] = ChangeAuthor(request.state.caller, known.get("correlation_id"))
        yield session
        await session.flush()
        changes = get_changes(session)
        await resources.publisher.delete_histories(changes)
        status = response.status_code or _success_status(request)
        await audit.record_write(session, request, status)
        await session.commit()
    await resources.publisher.publish(changes)


def _success_status(request: Request) -> int:
    route: APIRoute = request.scope["route"]
    return route.status_code or 200


SettingsDep = Annotated[Settings, Depends(get_settings)]
SessionDep = Annotated[AsyncSession, Depends(unit_of_work, scope="function")]


async def get_caller(request: Request) -> Caller:
    """Return the owner of the request's token."""
    found: Caller = request.state.caller
    return found


CallerDep = Annotated[Caller, Depends(get_caller)]


async def get_acting_user(
    x_user_id: Annotated[
        UUID | None, Header(description="User that the call acts for; rows of others answer 404")
    ] = None,
) -> OwnerScope:
    """Return the user that the call acts for, if the caller names one."""
    return x_user_id


ActingUserDep = Annotated[OwnerScope, Depends(get_acting_user)]


async def get_owner_scope(caller: CallerDep, user_id: ActingUserDep) -> OwnerScope:
    """Return whose rows the call may see. None, for all users, is reserved for administrators."""
    if user_id is None and caller != "admin":
        raise InvalidRequest("The header X-User-Id is missing: the user that this call acts for.")
    return user_id


OwnerDep = Annotated[OwnerScope, Depends(get_owner_scope)]


async def require_admin(caller: CallerDep) -> None:
    """Refuse the service token."""
    if caller != "admin":
        raise NotPermitted("This operation needs the admin token.")


AdminOnly = Depends(require_admin)


async def get_audit_ahead(request: Request) -> AuditAhead:
    """Return a function that records a write outside Postgres in the audit log."""
    return partial(audit.record_ahead, request, _success_status(request))


AuditAheadDep = Annotated[AuditAhead, Depends(get_audit_ahead)]


async def get_idempotent_operation(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    caller: CallerDep,
    owner: OwnerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            pattern=r"^[!-~]+$",
            description="`<message id>/<step>`. A repeated request with the key gets the response"
            " of the first one",
        ),
    ] = None,
) -> IdempotentOperation:
    """Return the runner of an operation that callers may repeat."""
    fingerprint_hash = ""
    if idempotency_key is not None:
        body = await request.body()
        fingerprint_hash = compute_fingerprint(request.method, request.url.path, body)
    context = CallContext(
        session, caller, owner, settings.default_timezone, settings.max_active_jobs
    )
    return IdempotentOperation(context, idempotency_key, fingerprint_hash)


IdempotentDep = Annotated[IdempotentOperation, Depends(get_idempotent_operation)]
