"""The routers of all routes under /api."""

from fastapi import APIRouter

from . import (
    assistant_tools,
    assistants,
    audit,
    calendar,
    clock,
    cron_jobs,
    dead_letters,
    effects,
    invites,
    llm_models,
    messages,
    providers,
    secrets,
    tasks,
    threads,
    tools,
    turns,
    usage,
    users,
    versions,
)

ROUTERS: tuple[APIRouter, ...] = (
    users.router,  # first: routes are tried in this order, and each new user causes a request
    assistants.router,
    tools.router,
    assistant_tools.router,
    versions.router,
    invites.router,
    threads.router,
    messages.router,
    turns.router,
    usage.router,
    cron_jobs.router,
    tasks.router,
    calendar.router,
    effects.router,
    providers.router,
    llm_models.router,
    secrets.router,
    dead_letters.router,
    audit.router,
    clock.router,
)
