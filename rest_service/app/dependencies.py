"""What routes are given, each named once."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

import httpx2
import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.errors import InvalidRequest, NotPermitted
from smart_kit.guarded_http import GuardedHttp
from smart_kit.vault import Vault

from . import audit
from .audit.refusals import Refusals
from .auth import Principal
from .changes import changes_of
from .config import Settings
from .database import Sessions
from .idempotency import Once, fingerprint
from .services.dead_letters import Begin, Graveyards
from .services.provider_test import ProviderTests
from .services.rows import Owner
from .services.versions import Author
from .snapshots.publisher import Publisher


@dataclass(frozen=True)
class Resources:
    """What lives as long as the application."""

    settings: Settings
    sessions: Sessions
    publisher: Publisher
    vault: Vault
    graveyards: Graveyards
    refusals: Refusals
    http: httpx2.AsyncClient
    """For providers, which an administrator has named."""
    outside: Callable[[], GuardedHttp]
    """For any other address."""


async def resources(request: Request) -> Resources:
    """Those of the application."""
    found: Resources = request.app.state.resources
    return found


ResourcesDep = Annotated[Resources, Depends(resources)]


async def settings(given: ResourcesDep) -> Settings:
    """The service's settings."""
    return given.settings


async def vault(given: ResourcesDep) -> Vault:
    """What encrypts secrets."""
    return given.vault


async def graveyards(given: ResourcesDep) -> Graveyards:
    """The dead letters of both queues."""
    return given.graveyards


async def unit_of_work(
    request: Request, response: Response, given: ResourcesDep
) -> AsyncIterator[AsyncSession]:
    """One transaction: committed and announced after the route, before its answer is sent."""
    async with given.sessions() as session:
        known = structlog.contextvars.get_contextvars()
        session.info[Author] = Author(request.state.principal, known.get("correlation_id"))
        yield session
        await session.flush()
        changes = changes_of(session)
        await given.publisher.forget_threads(changes)
        audit.record(session, request, response.status_code or _status(request))
        await session.commit()
    await given.publisher.publish(changes)


def _status(request: Request) -> int:
    route: APIRoute = request.scope["route"]
    return route.status_code or 200


async def provider_tests(given: ResourcesDep) -> ProviderTests:
    """What asks providers."""
    return ProviderTests(given.sessions, given.vault, given.http)


SettingsDep = Annotated[Settings, Depends(settings)]
VaultDep = Annotated[Vault, Depends(vault)]
ProviderTestsDep = Annotated[ProviderTests, Depends(provider_tests)]
GraveyardsDep = Annotated[Graveyards, Depends(graveyards)]
SessionDep = Annotated[AsyncSession, Depends(unit_of_work, scope="function")]


async def principal(request: Request) -> Principal:
    """Whose token came with the request."""
    found: Principal = request.state.principal
    return found


PrincipalDep = Annotated[Principal, Depends(principal)]


async def acting_user(
    x_user_id: Annotated[
        UUID | None, Header(description="users.id of whom the call is for; others' rows are 404")
    ] = None,
) -> Owner:
    """Whom the call is for, where the caller says."""
    return x_user_id


ActingUserDep = Annotated[Owner, Depends(acting_user)]


async def owner(caller: PrincipalDep, user_id: ActingUserDep) -> Owner:
    """Whose rows the call is about; only an administrator may mean everybody's."""
    if user_id is None and caller != "admin":
        raise InvalidRequest("The header X-User-Id is missing: whom is this call for?")
    return user_id


OwnerDep = Annotated[Owner, Depends(owner)]


async def require_admin(caller: PrincipalDep) -> None:
    """Refuses the service token."""
    if caller != "admin":
        raise NotPermitted("This needs the admin token.")


AdminOnly = Depends(require_admin)


async def begin(request: Request) -> Begin:
    """Notes a write that is not Postgres's, once it is called."""
    return partial(audit.record_ahead, request, _status(request))


BeginDep = Annotated[Begin, Depends(begin)]


async def once(
    request: Request,
    session: SessionDep,
    user_id: OwnerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            pattern=r"^[!-~]+$",
            description="`<message id>/<step>`: the same key is answered the same, once per user",
        ),
    ] = None,
) -> Once:
    """Runs what a caller may repeat."""
    mark = ""
    if idempotency_key is not None:
        mark = fingerprint(request.method, request.url.path, await request.body())
    return Once(session, user_id, idempotency_key, mark)


OnceDep = Annotated[Once, Depends(once)]
