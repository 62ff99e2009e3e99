"""The OpenAPI description: complete enough for a generated client and a fuzzer."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.problems import Problem

TITLE: Final = "同权 Tongquan"
OPENAPI_VERSION: Final = "3.1.0"
SUMMARY: Final = "市县同权 approvals for a city and its counties"
DESCRIPTION: Final = (
    "Times are ISO 8601 with offset (China time). Lists answer `{items, next}`; hand `next` back as `cursor`. "
    "Refusals are `application/problem+json` (RFC 9457) with a stable `code`; their texts are Chinese, "
    "or English with `Accept-Language: en`."
)
TAGS: Final = (
    {"name": "sessions", "description": "Sign in and out (登录)."},
    {"name": "accounts", "description": "People, their posts, and the audit trail (账号、岗位与审计)."},
    {"name": "catalogue", "description": "Items, guides, areas and responsibilities (事项目录)."},
    {"name": "cases", "description": "Cases and what people do to them (办件)."},
    {"name": "tasks", "description": "People's tasks (待办任务)."},
    {"name": "documents", "description": "Issued documents (文书)."},
    {"name": "public", "description": "What anybody may ask (公众查询)."},
    {"name": "processes", "description": "Process definitions, instances and incidents (流程)."},
    {"name": "clock", "description": "The product's clock (时钟)."},
    {"name": "operations", "description": "Health and figures (运行)."},
)


def product_version() -> str:
    """Return the version of the installed product."""
    try:
        return version("tongquan")
    except PackageNotFoundError:
        return "0"


def operation_id(route: APIRoute) -> str:
    """Name an operation after the function that answers it."""
    return route.name


def install(app: FastAPI) -> None:
    """Make the application describe itself, with the schema of problems among the components."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=OPENAPI_VERSION,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=list(TAGS),
            )
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            components.update(problem.pop("$defs", {}))
            components["Problem"] = problem
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]
