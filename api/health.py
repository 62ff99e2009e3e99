"""Whether the product is alive and ready, and its metrics for Prometheus; at the root and under the API's base."""

import hmac
from ipaddress import ip_address
from typing import Final

from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from api.dependencies import WebDatabase, WebSettings
from api.problems import documented
from api.routing import StrictRoute
from services import health
from services.errors import Unauthenticated
from services.health import Readiness
from settings import Settings

FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A request with one of these came through a proxy: from elsewhere, though its peer is the machine itself."""

router = APIRouter(route_class=StrictRoute, tags=["operations"])

_token_scheme = HTTPBearer(auto_error=False, scheme_name="figures", description="`TONGQUAN_METRICS_TOKEN`.")


class Liveness(BaseModel):
    """The web answers."""

    status: str = "ok"


class MetricsResponse(Response):
    """Metrics in Prometheus's text format."""

    media_type = "text/plain; version=0.0.4"


@router.get("/healthz", responses=documented())
async def healthz() -> Liveness:
    """Report that the web process is alive; says nothing about what it depends on."""
    return Liveness()


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Something is missing; `failing` names it."}, **documented()},
)
def readyz(request: Request, database: WebDatabase, settings: WebSettings) -> Response:
    """Tell whether database, catalogue, processes, engine, feed, relay and every worker are there.

    What fails and why is shown to the machine itself and to holders of the token; others learn whether it is ready.
    """
    readiness = health.readiness(database)
    if not _may_see_inside(request, settings):
        readiness = Readiness(mode=readiness.mode, ready=readiness.ready, failing=[], warnings=[], checks={})
    return JSONResponse(
        readiness.model_dump(mode="json"), 200 if readiness.ready else 503, {"Cache-Control": "no-store"}
    )


@router.get(
    "/metrics",
    response_class=MetricsResponse,
    responses=documented(401, 503),
    dependencies=[Security(_token_scheme)],
)
def metrics(request: Request, settings: WebSettings) -> Response:
    """Return the metrics of this web process and of the product, to the machine itself or for the token."""
    if not _may_see_inside(request, settings):
        raise Unauthenticated
    text: bytes = request.app.state.metrics.exposition()
    return MetricsResponse(text)


def _may_see_inside(request: Request, settings: Settings) -> bool:
    """Tell whether a request comes from the machine itself, or has the token of the settings."""
    token = settings.metrics_token.get_secret_value() if settings.metrics_token is not None else ""
    if token and hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
        return True
    return not any(name in request.headers for name in FORWARDED) and _is_local(request)


def _is_local(request: Request) -> bool:
    peer = request.client.host if request.client is not None else ""
    try:
        loopback = ip_address(peer).is_loopback
    except ValueError:
        return False
    return loopback or peer == (request.scope.get("server") or ("", None))[0]
