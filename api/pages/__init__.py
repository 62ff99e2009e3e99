"""The staff's pages: server-rendered, over the same services as the API.

``router`` holds every route; ``error_page`` and ``wants_page`` let the application answer unknown addresses and
unforeseen errors in the same look.
"""

from fastapi import APIRouter

from api.pages import administration, cases, diagrams, documents, items, sign_in, submission, tasks
from api.pages.routing import error_page, wants_page

__all__ = ["error_page", "router", "wants_page"]

router = APIRouter(include_in_schema=False)
for module in (sign_in, tasks, submission, cases, diagrams, documents, items, administration):
    router.include_router(module.router)
