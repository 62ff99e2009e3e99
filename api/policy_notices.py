"""Policy notices (政策文件告知): issue one, list them, read the document, and acknowledge it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Empty, EngineKey, IsoDate, Limit, WebDatabase, engine_key
from api.downloads import PdfResponse, file_headers, pdf_named
from api.problems import documented
from api.routing import API_BASE, StaffRoute
from models.policy import PolicyLevel
from services.accounts import supervision_rights
from services.paging import Page
from services.supervision import letters, policy_ledger, policy_notices
from services.supervision.policy_ledger import PolicyNoticeView


class NoticeRoute(StaffRoute):
    """A route that takes a document with the notice: five megabytes, a third more in base64."""

    max_body_bytes = policy_notices.MAX_FILE_BYTES * 4 // 3 + 64 * 1024

    async def admit(self, request: Request) -> None:
        """Refuse everyone but supervisors before the body is read."""
        await super().admit(request)
        supervision_rights.get_issuing_group(request.state.actor)


router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["policy"])
issuing = APIRouter(prefix=API_BASE, route_class=NoticeRoute, tags=["policy"])


class PolicyNoticeFile(BaseModel):
    """The policy document: its name and its content in base64, up to 5 MB."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    content_base64: str = Field(min_length=1)


class PolicyNoticeInput(BaseModel):
    """The body of ``POST /policy-notices``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=1, max_length=policy_notices.MAX_TITLE_LENGTH)
    level: PolicyLevel
    published_on: IsoDate
    items: list[Annotated[str, Field(min_length=1, max_length=16)]] = Field(
        min_length=1, max_length=policy_notices.MAX_ITEMS
    )
    file: PolicyNoticeFile | None = None


class FileResponse(Response):
    """A document as it was handed in."""

    media_type = "application/octet-stream"


@issuing.post("/policy-notices", status_code=201, responses=documented(401, 403, 413, 415, 422))
def issue_policy_notice(
    body: PolicyNoticeInput, response: Response, caller: Caller, database: WebDatabase
) -> PolicyNoticeView:
    """Register a policy document as a supervisor; the approvers of its items are notified at once."""
    content = policy_notices.decode_file(body.file.content_base64) if body.file is not None else None
    with database.transaction() as session:
        notice = policy_notices.issue(
            session,
            caller,
            title=body.title,
            level=body.level,
            published_on=body.published_on,
            items=body.items,
            file_name=body.file.name if body.file is not None else None,
            content=content,
        )
    response.headers["Location"] = f"{API_BASE}/policy-notices/{notice.id}"
    return notice


@router.get("/policy-notices", responses=documented(401, 422))
def list_policy_notices(
    caller: Caller,
    database: WebDatabase,
    item: Code = None,
    level: PolicyLevel | Empty | None = None,
    pending: Annotated[bool, Query(description="Keep those the account has yet to acknowledge.")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PolicyNoticeView]:
    """List policy notices, newest first."""
    with database.reading() as session:
        return policy_ledger.list_notices(
            session,
            caller,
            item=item or None,
            level=level or None,
            pending=pending,
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/policy-notices/{id}", responses=documented(401, 404))
def get_policy_notice(id: EngineKey, caller: Caller, database: WebDatabase) -> PolicyNoticeView:
    """Return one notice with its read receipts."""
    with database.reading() as session:
        return policy_ledger.view(session, policy_ledger.get_for_update(session, engine_key(id)))


@router.get("/policy-notices/{id}/letter", response_class=PdfResponse, responses=documented(401, 404))
def get_policy_letter(id: EngineKey, caller: Caller, database: WebDatabase) -> Response:
    """Return the notice as a letter (政策文件告知函) with its read receipts so far."""
    key = engine_key(id)
    with database.reading() as session:
        return pdf_named(letters.draw_policy_letter(session, key), f"policy-{key}.pdf", f"政策文件告知函-{key}.pdf")


@router.get("/policy-notices/{id}/file", response_class=FileResponse, responses=documented(401, 404))
def get_policy_file(id: EngineKey, caller: Caller, database: WebDatabase) -> Response:
    """Return the policy document as it was handed in."""
    with database.reading() as session:
        file = policy_ledger.file_of(session, engine_key(id))
        name, content = file.name, file.content
    return FileResponse(content, headers=file_headers(name))


@router.post("/policy-notices/{id}/acknowledge", responses=documented(401, 403, 404))
def acknowledge_policy_notice(id: EngineKey, caller: Caller, database: WebDatabase) -> PolicyNoticeView:
    """Acknowledge a notice (签阅) for the account's groups; doing it again changes nothing."""
    with database.transaction() as session:
        return policy_notices.acknowledge(session, caller, engine_key(id))
