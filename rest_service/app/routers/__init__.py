"""The routers of all routes under /api."""

from fastapi import APIRouter

from . import (
    assistants,
    calendar,
    conversations,
    cron_jobs,
    effects,
    llm_models,
    operation,
    secrets,
    tasks,
    usage,
    users,
    versions,
)

ROUTERS: tuple[APIRouter, ...] = (
    assistants.router,
    assistants.tools_router,
    assistants.links_router,
    versions.router,
    users.router,
    users.invites_router,
    conversations.threads_router,
    conversations.messages_router,
    conversations.turns_router,
    usage.router,
    cron_jobs.router,
    tasks.router,
    calendar.router,
    effects.router,
    llm_models.providers_router,
    llm_models.router,
    secrets.router,
    operation.router,
    operation.audit_router,
)
