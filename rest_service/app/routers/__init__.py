"""The routes under /api. A route exists because its router is named here."""

from fastapi import APIRouter

from . import (
    assistant_tools,
    assistants,
    cron_jobs,
    effects,
    invites,
    messages,
    threads,
    tools,
    turns,
    users,
)

ROUTERS: tuple[APIRouter, ...] = (
    assistants.router,
    tools.router,
    assistant_tools.router,
    users.router,
    invites.router,
    threads.router,
    messages.router,
    turns.router,
    cron_jobs.router,
    effects.router,
)
