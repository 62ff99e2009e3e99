"""Is the product alive and ready, and its figures for Prometheus; at the root and under the API's base."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.dependencies import WebDatabase
from api.problems import documented
from api.routing import StrictRoute
from services import health
from services.health import Readiness

router = APIRouter(route_class=StrictRoute, tags=["operations"])


class Liveness(BaseModel):
    """The web answers."""

    status: str = "ok"


class MetricsResponse(Response):
    """Figures in Prometheus's text format."""

    media_type = "text/plain; version=0.0.4"


@router.get("/healthz", responses=documented())
async def healthz() -> Liveness:
    """Tell that the web process is alive; says nothing about its surroundings."""
    return Liveness()


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Something is missing; `failing` names it."}, **documented()},
)
def readyz(database: WebDatabase) -> Response:
    """Tell whether database, catalogue, processes, engine, feed, relay and every worker are there."""
    readiness = health.readiness(database)
    return JSONResponse(
        readiness.model_dump(mode="json"), 200 if readiness.ready else 503, {"Cache-Control": "no-store"}
    )


@router.get("/metrics", response_class=MetricsResponse, responses=documented(503))
def metrics(request: Request) -> Response:
    """Give the figures of this web process and of the product."""
    text: bytes = request.app.state.metrics.exposition()
    return MetricsResponse(text)
