"""The staff's pages: server-rendered, over the same services as the API.

``router`` holds every route; ``error_page`` and ``wants_page`` let the application answer unknown addresses and
unforeseen errors in the same look.
"""

from fastapi import APIRouter, Depends

from api.pages import (
    accounts,
    agreements,
    audit,
    calendar,
    cases,
    catalogue,
    certificates,
    city_library,
    consultations,
    county_units,
    deviations,
    diagrams,
    documents,
    files,
    filings,
    list_versions,
    memberships,
    notifications,
    own_account,
    paper_organs,
    policy_notices,
    processes,
    public_cases,
    public_certificates,
    pushes,
    recalls,
    seals,
    sessions,
    set_aside,
    sign_ins,
    special_procedures,
    statistics,
    submission,
    tasks,
    unified_sign_in,
    unit_transfers,
    webhooks,
)
from api.pages.routing import error_page, wants_page
from api.pages.visitors import readers_of_setup, staff_alone

__all__ = ["error_page", "router", "wants_page"]

router = APIRouter(include_in_schema=False)
for module in (sessions, unified_sign_in, public_cases, public_certificates, notifications, own_account, diagrams):
    router.include_router(module.router)
router.include_router(tasks.home)
router.include_router(files.uploads)
for module in (tasks, submission, cases, special_procedures, documents, files, pushes, policy_notices):
    router.include_router(module.router, dependencies=[Depends(staff_alone)])
powers = (agreements, filings, recalls, unit_transfers, county_units, paper_organs, list_versions)
for module in (*powers, consultations, statistics, certificates):
    router.include_router(module.router, dependencies=[Depends(staff_alone)])
for module in (catalogue, calendar):
    router.include_router(module.router, dependencies=[Depends(readers_of_setup)])
for module in (processes, deviations, set_aside, city_library, accounts, memberships, sign_ins, audit, webhooks, seals):
    router.include_router(module.router)
