"""What is sent to each address of the table of rights, so that nothing but a right decides on the answer.

An address that is not named here takes neither a body nor a query. ``Sent.answers`` names the answer of whoever has the
right where it is neither a success nor a conflict, because more would be done than the test can take back.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.integration.rights_world import AREA, CASES, COUNTY_UNIT, ID, ITEM, MARK, NEWCOMER, PROPOSAL, UNIT, USUAL


@dataclass(frozen=True)
class Sent:
    """The body and query of a request, what a list must show of the object, and an unusual answer."""

    json: Any = None
    form: dict[str, str] | None = None
    file: tuple[str, str] | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    shows: str = MARK
    answers: int | None = None


REASON: Final = {"reason": "理由"}
SEAL: Final = {"text": "兴国县行政审批局业务专用章", "owner": "兴国县行政审批局"}
TEXT: Final = {"text": "内容"}
HEARING: Final = {"kind": "听证", "days": 5, **REASON}
NOTICE: Final = {"title": "文件", "level": "city", "published_on": "2026-01-05"}
DAY: Final = {"date": "2026-03-02", "working": False, "reason": "停电"}
CALENDAR: Final = "date,working,reason\n2026-03-02,no,停电\n"
DAY_FORM: Final = {"date": "2026-03-02", "working": "no", "reason": "停电", "year": "2026"}
PAPER: Final = "%PDF-1.7\n%%EOF\n"
PLACE: Final = {"item": ITEM, "area": AREA}
AGREEMENT: Final = {"area": AREA, "unit": UNIT, "items": [ITEM], "procedure": "程序"}
DRAFT: Final = {"title": "清单", "in_force_from": "2099-01-01", "csv": "code\n"}
TRAINING: Final = {"unit": UNIT, "title": "培训", "begins_at": "2099-01-01T09:00:00+08:00"}
TAKEN: Final = Sent(json={"username": NEWCOMER, "name": "新人"})
HELD: Final = {"held_on": "2099-01-01"}

PARAMETERS: Final = {
    "code": ITEM,
    "username": NEWCOMER,
    "process_id": "substantive-review",
    "session_id": "none",
}
"""What a placeholder of an address stands for where it is not the number of every object."""


def path_of(address: str, of: str) -> str:
    """Return an address with its placeholders filled in, for the case or other object it is tried on."""
    known = dict(PARAMETERS)
    known["case_no"] = CASES.get(of, CASES[USUAL])[0]
    known["procedure_id"] = f"procedure-{known['case_no']}"
    if "/processes/{id}" in address:
        known["id"] = "substantive-review"
    if address.startswith(("/recall-proposals/", "/powers/recalls/{key}/statement", "/powers/recalls/{key}/drop")):
        known["number"] = known["key"] = str(PROPOSAL)
    parts = (known.get(one[1:-1], str(ID)) if one.startswith("{") else one for one in address.split("/"))
    return "/".join(parts)


API: Final[dict[str, Sent]] = {
    "POST /login": Sent(json={"username": "x", "password": ""}, answers=422),
    "GET /readyz": Sent(answers=503),
    "POST /clock/advance": Sent(json={"seconds": 1}),
    "GET /responsibilities": Sent(query=PLACE),
    "POST /items/{code}/guide": Sent(json={"yaml": "x"}, answers=422),
    "GET /public/cases/{case_no}": Sent(query={"query_code": "Q"}),
    "GET /public/cases/{case_no}/documents/{id}": Sent(query={"query_code": "Q"}),
    "POST /public/verify": Sent(file=("file", PAPER)),
    "POST /certificates/{number}/revocations": Sent(json={"ground": "fraud", "facts": "事实"}),
    "POST /certificates/{number}/revocations/{revocation_id}/hearing": Sent(json={"statement": "未提出"}),
    "POST /certificates/{number}/revocations/{revocation_id}/decision": Sent(json={"outcome": "dropped", **REASON}),
    "POST /me/password": Sent(json={"old": "x", "new": "x"}, answers=422),
    "DELETE /me/sessions/{id}": Sent(answers=404),
    "POST /cases": Sent(json={**PLACE, "nonsense": 1}, headers={"Idempotency-Key": "k"}, answers=422),
    "GET /cases": Sent(shows=CASES[USUAL][0]),
    "POST /cases/{case_no}/materials": Sent(
        json={"materials": [{"name": "材料", "copies": 1, "kind": "copy", "present": True}]}
    ),
    "POST /cases/{case_no}/withdraw": Sent(json=REASON),
    "POST /cases/{case_no}/special-procedures": Sent(json=HEARING),
    "PUT /cases/{case_no}/special-procedures/{procedure_id}/hearing": Sent(json={}),
    "POST /cases/{case_no}/extension": Sent(json={"days": 1, **REASON}),
    "GET /tasks": Sent(shows=CASES[USUAL][0]),
    "POST /tasks/{id}/transfer": Sent(json={"to": f"{AREA}.reviewer", **REASON}),
    "POST /tasks/{id}/complete": Sent(json={"outcome": "accept", "opinion": "同意", "values": {}}),
    "POST /files": Sent(file=("file", PAPER)),
    "GET /documents/{id} (with a purpose)": Sent(query={"purpose": "专项检查"}),
    "GET /files/{id} (with a purpose)": Sent(query={"purpose": "专项检查"}),
    "GET /processes/{id}/instances": Sent(shows=CASES[USUAL][0]),
    "GET /pushes": Sent(shows=CASES[USUAL][0]),
    "POST /pushes/{id}/feedback": Sent(json={"kind": "inspection", **TEXT}),
    "POST /pushes/{id}/answer": Sent(json=TEXT),
    "POST /inbound/claims": Sent(json={"push_id": ID}),
    "POST /inbound/feedback": Sent(json={"push_id": ID, "kind": "inspection", **TEXT}),
    "POST /policy-notices": Sent(json={**NOTICE, "items": [ITEM]}),
    "POST /agreements": Sent(json=AGREEMENT),
    "GET /filings": Sent(shows=CASES[USUAL][0]),
    "POST /filings/{number}/question": Sent(json=TEXT),
    "POST /filings/{number}/answer": Sent(json=TEXT),
    "POST /filings/{number}/review": Sent(json={"finding": "conforming", **TEXT}),
    "GET /recalls/preview": Sent(query=PLACE),
    "POST /recalls": Sent(json={**PLACE, **REASON, "effective_on": "2099-01-01", "in_flight": "finish"}),
    "POST /recalls/{number}/restore": Sent(json=REASON),
    "POST /recall-proposals": Sent(json={**PLACE, **REASON}),
    "POST /recall-proposals/{number}/statement": Sent(json=TEXT),
    "POST /recall-proposals/{number}/drop": Sent(json=REASON),
    "POST /unit-transfers": Sent(json={**PLACE, **REASON, "unit": "jfj", "effective_on": "2099-01-01"}),
    "GET /unit-transfers/preview": Sent(query={**PLACE, "unit": "jfj"}),
    "POST /unit-transfers/{number}/revoke": Sent(json=REASON),
    "POST /county-units": Sent(json={"area": AREA, "code": "xbm", "name": "区新设部门", **REASON}),
    "POST /county-units/{number}/rename": Sent(json={"name": "区更名部门", **REASON}),
    "POST /county-units/{number}/end": Sent(json=REASON),
    "POST /list-drafts": Sent(json=DRAFT, answers=422),
    "POST /list-drafts/{number}/reject": Sent(json={"note": "重做"}),
    "POST /questions": Sent(json={"item": ITEM, **TEXT}),
    "POST /questions/{number}/answer": Sent(json=TEXT),
    "POST /precedents": Sent(json={"item": ITEM, "title": "案例", **TEXT}),
    "POST /trainings": Sent(json=TRAINING),
    "POST /calendar (city)": Sent(json={"days": [DAY]}),
    "POST /calendar (county)": Sent(json={"area": AREA, "days": [DAY]}),
    "POST /seals": Sent(json=SEAL),
    "PUT /seals/{id}/scope": Sent(json={"items": [ITEM], "modes": []}),
    "POST /seals/{id}/suspend": Sent(json=REASON),
    "POST /webhooks": Sent(json={"url": "http://127.0.0.1/", "events": ["*"]}),
    "POST /accounts": TAKEN,
    "POST /accounts/{username}/release": Sent(json=REASON),
    "PUT /accounts/{username}/memberships": Sent(json={"groups": [f"{AREA}.window"], **REASON}),
}

PAGES: Final[dict[str, Sent]] = {
    "POST /login": Sent(form={}, answers=403),
    "POST /public/cases": Sent(form={"case_no": CASES[USUAL][0], "query_code": "Q"}),
    "POST /public/cases/document": Sent(
        form={"case_no": CASES["city's stage"][0], "query_code": "Q", "document": str(ID)}
    ),
    "GET /login/oidc": Sent(answers=404),
    "GET /login/oidc/callback": Sent(answers=404),
    "GET /login/oidc/signed-out": Sent(answers=303),
    "POST /admin/sign-ins/{username}/release": Sent(form=REASON),
    "POST /logout": Sent(answers=303),
    "GET /readyz": Sent(answers=503),
    "POST /account/password": Sent(form={"old": "x", "new": "x", "again": "y"}, answers=422),
    "POST /account/sessions/{session_id}/end": Sent(answers=404),
    "GET /tasks/fresh": Sent(shows=f"/tasks/{ID}"),
    "POST /tasks/{key}/transfer": Sent(form={"to": f"{AREA}.reviewer", **REASON}),
    "POST /tasks/{key}/complete": Sent(form={"answer": '{"outcome": "accept", "opinion": "同意"}'}),
    "GET /cases": Sent(shows=CASES[USUAL][0]),
    "POST /cases/{case_no}/materials": Sent(
        form={"materials.0.name": "材料", "materials.0.copies": "1", "materials.0.kind": "copy"}, answers=422
    ),
    "POST /cases/{case_no}/withdraw": Sent(form=REASON),
    "POST /certificates/{number}/revocations": Sent(form={"ground": "fraud", "facts": "事实"}),
    "POST /certificates/{number}/revocations/{key}/hearing": Sent(form={"statement": "未提出"}),
    "POST /certificates/{number}/revocations/{key}/decision": Sent(form={"outcome": "dropped", **REASON}),
    "GET /cases/new/{code}/certificate": Sent(query={"certificate_number": str(ID)}),
    "GET /cases/new/{code}": Sent(query={"area": AREA}),
    "POST /cases/new/{code}": Sent(form={"area": AREA}, answers=422),
    "POST /cases/{case_no}/special-procedures": Sent(form={"kind": "检测", "days": "5", **REASON}),
    "POST /cases/{case_no}/special-procedures/{procedure_id}/hearing": Sent(form={}),
    "POST /cases/{case_no}/extension": Sent(form={"days": "1", **REASON}),
    "POST /files": Sent(file=("file", PAPER)),
    "GET /documents/{document_id} (with a purpose)": Sent(query={"purpose": "专项检查"}),
    "GET /files/{file_id} (with a purpose)": Sent(query={"purpose": "专项检查"}),
    "POST /items/{code}/guide-version": Sent(file=("file", "x"), answers=422),
    "POST /calendar/days (city)": Sent(form={**DAY_FORM, "area": ""}),
    "POST /calendar/days (county)": Sent(form={**DAY_FORM, "area": AREA}),
    "POST /calendar/file": Sent(form={"area": "", "year": "2026"}, file=("file", CALENDAR)),
    "GET /supervision": Sent(shows=CASES[USUAL][0]),
    "POST /supervision/{key}/feedback": Sent(form={"kind": "inspection", **TEXT}),
    "POST /supervision/{key}/answer": Sent(form=TEXT),
    "POST /policy-notices": Sent(form={**NOTICE, "items": ITEM}),
    "POST /powers/agreements": Sent(form={"area": AREA, "unit": UNIT, "items": ITEM, "procedure": "程序"}),
    "POST /powers/agreements/{key}/change": Sent(form={"step": "end", **REASON}),
    "GET /powers/filings": Sent(shows=CASES[USUAL][0]),
    "POST /powers/filings/{key}/question": Sent(form=TEXT),
    "POST /powers/filings/{key}/answer": Sent(form=TEXT),
    "POST /powers/filings/{key}/review": Sent(form={"finding": "conforming", **TEXT}),
    "GET /powers/recalls/preview": Sent(query=PLACE),
    "POST /powers/recalls (a proposal)": Sent(form={**PLACE, **REASON, "step": "propose"}),
    "POST /powers/recalls (a decision)": Sent(form={**PLACE, **REASON, "step": "decide", "effective_on": "2099-01-01"}),
    "POST /powers/recalls/{key}/statement": Sent(form=TEXT),
    "POST /powers/recalls/{key}/drop": Sent(form=REASON),
    "POST /powers/recalls/{key}/restore": Sent(form=REASON),
    "GET /powers/unit-transfers/preview": Sent(query={"item": ITEM, "to": f"{AREA}.jfj"}),
    "POST /powers/unit-transfers": Sent(form={**PLACE, **REASON, "unit": "jfj", "effective_on": "2099-01-01"}),
    "POST /powers/unit-transfers/{key}/revoke": Sent(form=REASON),
    "POST /powers/county-units": Sent(form={"area": AREA, "code": "xbm", "name": "区新设部门", **REASON}),
    "POST /powers/county-units/{key}/rename": Sent(form={"name": "区更名部门", **REASON}),
    "POST /powers/county-units/{key}/end": Sent(form=REASON),
    "POST /powers/lists": Sent(form={"title": "清单", "in_force_from": "2099-01-01", "csv": "code\n"}, answers=422),
    "POST /powers/lists/{key}/review": Sent(form={"step": "reject", "note": "重做"}),
    "POST /powers/guidance/questions": Sent(form={"item": ITEM, **TEXT}),
    "POST /powers/guidance/questions/{key}/answer": Sent(form=TEXT),
    "POST /powers/guidance/precedents": Sent(form={"item": ITEM, "title": "案例", **TEXT}),
    "POST /powers/guidance/trainings": Sent(form={"unit": UNIT, "title": "培训", "begins_at": "2099-01-01T09:00"}),
    "POST /admin/accounts": Sent(form={"username": NEWCOMER, "name": "新人"}, answers=422),
    "POST /admin/memberships/{username}": Sent(form={"groups": f"{AREA}.window", **REASON}),
    "POST /admin/seals": Sent(form=SEAL),
    "POST /admin/seals/{key}/scope": Sent(form={"items": ITEM}),
    "POST /admin/seals/{key}/suspend": Sent(form=REASON),
    "POST /admin/webhooks": Sent(form={"url": "http://127.0.0.1/", "events": "*"}),
}


def sent_to(table: dict[str, Sent], address: str, of: str) -> Sent:
    """Return what is sent to an address, the object's own request before the usual one."""
    return table.get(f"{address} ({of})", table.get(address, Sent()))


OTHER_UNIT: Final = f"{AREA}.jfj.reviewer"
OWN_UNIT: Final = f"{AREA}.{COUNTY_UNIT}.reviewer"
