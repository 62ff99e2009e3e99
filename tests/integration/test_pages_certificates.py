"""The pages of certificates, as a browser without scripts uses them, and the public page behind the QR code."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import re
from pathlib import Path
from typing import Any

from models.certificate import CertificateState
from services.certificates import register
from tests.databases import Databases
from tests.factories.certificates import ADMINISTRATOR, APPROVER, WINDOW, approved, issued, submitted
from tests.integration.web import PASSWORD, Web, web, web_over

OFFER = "启动撤销程序</summary>"


def enter(web: Web, username: str) -> None:
    """Sign in to the pages."""
    web.client.cookies.clear()
    token = secret(web.client.get("/login"))
    landed = web.client.post("/login", data={"username": username, "password": PASSWORD, "csrf": token})
    assert landed.status_code == 200, landed.text


def secret(page: Any) -> str:
    """Return the secret of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def made(web: Web) -> tuple[str, str]:
    """Return the numbers of a certificate that was changed, and of the one in its place."""
    with web.database.transaction() as session:
        first = issued(session, fields={"premises": "潋江大道1号"})
        second = approved(session, submitted(session, "W-28", first.number))
        assert second is not None
        return first.number, second.number


def test_the_list_leads_to_each_certificate_and_from_one_to_the_next(web: Web) -> None:
    first, second = made(web)
    enter(web, APPROVER.username)
    listed = web.client.get("/certificates", params={"state": "changed"}).text
    assert first in listed
    assert second not in listed
    shown = web.client.get(f"/certificates/{first}").text
    assert f'href="/certificates/{second}"' in shown
    for needed in ("已变更", "潋江大道1号", "起作废，应收回", "待归集"):
        assert needed in shown
    changing = web.get(f"/certificates/{second}", APPROVER.username).json()["case_no"]
    assert f'href="/certificates/{first}"' in web.client.get(f"/cases/{changing}").text


def test_a_certificate_is_revoked_by_its_pages_after_the_holder_was_heard(web: Web) -> None:
    _, number = made(web)
    enter(web, APPROVER.username)
    address = f"/certificates/{number}"
    offered = web.client.get(address)
    assert OFFER in offered.text
    token = secret(offered)
    empty = web.client.post(f"{address}/revocations", data={"csrf": token, "ground": "", "facts": ""})
    assert empty.status_code == 422
    assert "请选择撤销的法定情形" in empty.text
    opened = web.client.post(f"{address}/revocations", data={"csrf": token, "ground": "fraud", "facts": "材料虚假"})
    assert "撤销程序已启动" in opened.text
    procedure = re.search(rf'action="{address}(/revocations/\d+)/decision"', opened.text)
    assert procedure is not None
    decision = {"csrf": token, "outcome": "revoked", "reason": "以欺骗手段取得"}
    early = web.client.post(f"{address}{procedure[1]}/decision", data=decision)
    assert early.status_code == 409
    heard = web.client.post(f"{address}{procedure[1]}/hearing", data={"csrf": token, "statement": "承认"})
    assert "陈述、申辩的情况已记录" in heard.text
    done = web.client.post(f"{address}{procedure[1]}/decision", data=decision)
    assert "决定已作出" in done.text
    assert "已撤销" in done.text
    assert OFFER not in done.text


def test_a_reviewer_sees_the_certificate_and_no_way_to_revoke_it(web: Web) -> None:
    _, number = made(web)
    enter(web, "city.xzsp.reviewer")
    assert OFFER not in web.client.get(f"/certificates/{number}").text


def test_the_window_is_told_whose_certificate_a_number_is_and_whether_it_will_do(web: Web) -> None:
    first, second = made(web)
    enter(web, WINDOW.username)
    form = web.client.get("/cases/new/W-30", params={"area": "xingguo"}).text
    assert "原证照编号" in form
    assert "原证照编号" not in web.client.get("/cases/new/W-25", params={"area": "xingguo"}).text

    def told(item: str, number: str) -> str:
        return str(web.client.get(f"/cases/new/{item}/certificate", params={"certificate_number": number}).text)

    assert "持证人 兴国县某某医疗器械有限公司" in told("W-30", second)
    assert "notice-good" in told("W-30", second)
    assert "已变更，不能办理注销" in told("W-30", first)
    assert "不属于本事项办理的证照" in told("W-34", second)
    assert "没有这个编号的证照" in told("W-30", "GZ-1")
    assert told("W-30", "").strip() == ""


def test_the_public_page_tells_the_state_at_once(web: Web) -> None:
    first, second = made(web)
    web.client.cookies.clear()
    assert "这份证照有效" in web.client.get(f"/public/certificates/{second}").text
    assert "已变更，不能再使用" in web.client.get(f"/public/certificates/{first}").text


def test_wrong_numbers_are_slowed_down_on_the_public_page_too(databases: Databases, tmp_path: Path) -> None:
    with web_over(databases, tmp_path, public_address_limit="2/hour") as slow:
        answers = [slow.client.get(f"/public/certificates/GZ-{number}").status_code for number in range(3)]
    assert answers == [404, 404, 429]


def test_the_administrator_sees_what_the_library_lacks_and_has_it_mended(web: Web) -> None:
    first, second = made(web)
    enter(web, ADMINISTRATOR.username)
    page = web.client.get("/admin/city-library")
    assert first in page.text
    assert second in page.text
    done = web.client.post("/admin/city-library/mend", data={"csrf": secret(page)})
    assert "已安排" in done.text


def test_the_api_lists_by_state_and_holder_and_pages_by_cursor(web: Web) -> None:
    first, second = made(web)
    listed, cursor = [], ""
    while cursor is not None:
        body = web.get(f"/certificates?limit=1&cursor={cursor}", APPROVER.username).json()
        listed += [one["number"] for one in body["items"]]
        cursor = body["next"]
    assert len(listed) == len(set(listed))
    assert {first, second} <= set(listed)
    assert web.get("/certificates?state=nonsense", APPROVER.username).status_code == 422
    with web.database.reading() as session:
        shown = register.get_certificate(session, APPROVER, second)
    assert shown.state is CertificateState.VALID
    answer = web.get(f"/certificates/{second}", APPROVER.username).json()
    assert {"number", "item", "holder", "state", "issued_on", "valid_until", "library", "history"} <= set(answer)
    assert answer["replaces"] == first
