"""The composition root of the web: one application over one database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio.to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import (
    accounts,
    agreements,
    audit,
    calendar,
    cases,
    catalogue,
    certificates,
    clock_advance,
    consultations,
    county_units,
    description,
    deviations,
    documents,
    files,
    filings,
    health,
    list_versions,
    notifications,
    pages,
    paper_organs,
    policy_notices,
    problems,
    processes,
    pushes,
    recalls,
    seals,
    sessions,
    set_aside,
    sign_ins,
    statistics,
    tasks,
    webhooks,
)
from api.housekeeping import keep_tidy
from api.metrics import MeasuredRequests, Metrics
from api.pages.rendering import STATIC_ROOT
from api.routing import API_BASE
from api.sign_in_queue import SignInQueue
from api.transport import GuardedAnswers
from api.unified_sign_in import unified_sign_in
from connectors.scanning import scanner_at
from connectors.storage import store_at
from models.database import Database
from settings import Settings

THREADS: Final = 16
"""Requests worked on at a time; fewer than the database's pool holds connections, so that none waits for one."""


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Build the application; the caller owns ``database`` and disposes of it."""
    app = FastAPI(
        title=description.TITLE,
        summary=description.SUMMARY,
        description=description.DESCRIPTION,
        version=description.product_version(),
        openapi_url=f"{API_BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=description.operation_id,
        lifespan=_lifespan,
    )
    metrics = Metrics(database)
    app.state.settings, app.state.database, app.state.metrics = settings, database, metrics
    app.add_middleware(GuardedAnswers)
    app.state.files, app.state.scanner = store_at(settings.files_dir), scanner_at(settings.scanner_address)
    app.state.sign_ins = SignInQueue(settings.sign_in_threads, settings.sign_in_room)
    app.state.unified_sign_in = unified_sign_in(settings)
    app.add_middleware(MeasuredRequests, metrics=metrics)
    problems.install(app)
    description.install(app)
    for module in (sessions, catalogue, documents, clock_advance):
        app.include_router(module.public)
    app.include_router(cases.submissions)
    app.include_router(documents.checks)
    for module in (sessions, catalogue, cases, calendar, notifications, tasks, documents, processes, clock_advance):
        app.include_router(module.router)
    for router in (sessions.own, accounts.keeping, accounts.granting, policy_notices.issuing, webhooks.platforms):
        app.include_router(router)
    for module in (accounts, audit, sign_ins, pushes, policy_notices, webhooks, set_aside, seals):
        app.include_router(module.router)
    for module in (agreements, filings, recalls, county_units, paper_organs, list_versions, consultations, statistics):
        app.include_router(module.router)
    for router in (files.uploads, files.router, deviations.router, certificates.router, certificates.mending):
        app.include_router(router)
    app.include_router(health.router, prefix=API_BASE)
    app.include_router(health.router, include_in_schema=False)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC_ROOT), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    tidying = asyncio.create_task(keep_tidy(app.state.database, app.state.files), name="housekeeping")
    yield
    tidying.cancel()
    app.state.sign_ins.close()
    if app.state.unified_sign_in is not None:
        app.state.unified_sign_in.queue.close()
