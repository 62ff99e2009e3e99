"""The staff's pages: server-rendered, over the same services as the API.

``router`` holds every route; ``error_page`` and ``wants_page`` let the application answer unknown addresses and
unforeseen errors in the same look.
"""

from fastapi import APIRouter

from api.pages import (
    administration,
    agreements,
    calendar,
    case_clock,
    cases,
    consultations,
    diagrams,
    documents,
    filings,
    items,
    list_versions,
    notices,
    policy,
    recalls,
    sign_in,
    submission,
    supervision,
    tasks,
    unit_transfers,
    webhooks,
)
from api.pages.routing import error_page, wants_page

__all__ = ["error_page", "router", "wants_page"]

router = APIRouter(include_in_schema=False)
for module in (sign_in, tasks, submission, cases, case_clock, diagrams, documents, items, calendar, notices):
    router.include_router(module.router)
router.include_router(administration.router)
for module in (supervision, policy, webhooks):
    router.include_router(module.router)
for module in (agreements, filings, recalls, unit_transfers, list_versions, consultations):
    router.include_router(module.router)
