"""The table of rights (docs/reference/rights.md), walked: every address as every kind of account, own objects or not.

Each request is taken back at once (``Undone``), so the order of the tests says nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import update
from sqlmodel import col

from api.application import create_app
from api.pages.visitors import CSRF_HEADER, SESSION_COOKIE
from api.routing import API_BASE
from models.case import Case
from models.stored_file import StoredFile
from settings import PROJECT_ROOT, get_settings
from tests.databases import Databases
from tests.integration import rights_requests, rights_world
from tests.integration.rights_requests import OTHER_UNIT, OWN_UNIT, Sent, path_of, sent_to
from tests.integration.rights_world import AREA, CSRF, ID, NEWCOMER, UNIT, Undone, token_of
from tests.integration.web import Web, client_of, web_over

TABLE: Final = PROJECT_ROOT / "docs" / "reference" / "rights.md"
EVERY, OWN, NONE = "●", "○", "·"
OTHER_AREA, OTHER_CITY_UNIT = "xingguo", "jtys"
NOBODY: Final = "未登录"

ACCOUNTS: Final[dict[str, tuple[str | None, str | None]]] = {
    "窗口": (f"{AREA}.window", f"{OTHER_AREA}.window"),
    "承办": (f"{AREA}.reviewer", f"{OTHER_AREA}.reviewer"),
    "首席": (f"{AREA}.chief", f"{OTHER_AREA}.chief"),
    "审批": (f"{AREA}.approver", f"{OTHER_AREA}.approver"),
    "监管": (f"{AREA}.supervisor", f"{OTHER_AREA}.supervisor"),
    "县单位承办": (OWN_UNIT, OTHER_UNIT),
    "市承办": (f"city.{UNIT}.reviewer", f"city.{OTHER_CITY_UNIT}.reviewer"),
    "市审批": (f"city.{UNIT}.approver", f"city.{OTHER_CITY_UNIT}.approver"),
    "市监管": (f"city.{UNIT}.supervisor", f"city.{OTHER_CITY_UNIT}.supervisor"),
    "市指导": (f"city.{UNIT}.advisor", f"city.{OTHER_CITY_UNIT}.advisor"),
    "统筹": ("city.coordinator", None),
    "系统": ("admin.system", None),
    "安全": ("admin.security", None),
    "审计": ("admin.audit", None),
    "无岗位": (NEWCOMER, None),
    NOBODY: (None, None),
}
"""Of each kind of account one to whose area and unit the objects belong, and one of another's."""


@dataclass(frozen=True)
class Row:
    """One address of the table, who has the right to it, and of what."""

    of_api: bool
    method: str
    address: str
    right: str
    of: str

    @property
    def listed_for(self) -> str | None:
        """Return the right by which a list is answered at all, None for what is no list."""
        return self.of.removeprefix("list: ") if self.of.startswith("list: ") else None

    def __str__(self) -> str:
        place = f"{API_BASE}{self.address}" if self.of_api else self.address
        return f"{self.method} {place}" + (f" [{self.of}]" if self.of else "")


def cells(line: str) -> list[str]:
    """Return the cells of a line of a Markdown table."""
    return [one.strip().strip("`") for one in line.strip().strip("|").split("|")]


def read_table() -> tuple[dict[str, dict[str, str]], list[Row]]:
    """Return the rights by their names, each by kind of account, and the addresses."""
    rights: dict[str, dict[str, str]] = {}
    rows: list[Row] = []
    heads: list[str] = []
    section = ""
    for line in TABLE.read_text().splitlines():
        if line.startswith("#"):
            section, heads = line.lstrip("# "), []
        elif line.startswith("|") and not heads:
            heads = cells(line)
        elif line.startswith("|") and not set(line) <= set("|-: "):
            values = cells(line)
            if section == "The rights":
                rights[values[0]] = dict(zip(heads[1:-1], values[1:-1], strict=True))
            else:
                method, _, address = values[0].partition(" ")
                rows.append(Row(section == "The API", method, address, values[1], values[2]))
    return rights, rows


RIGHTS, ROWS = read_table()


@pytest.fixture(scope="module")
def client(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Serve the application over a database whose transactions are taken back."""
    accounts = [name for both in ACCOUNTS.values() for name in both if name is not None]
    with web_over(databases, tmp_path_factory.mktemp("rights")) as web:
        with web.database.transaction() as session:
            rights_world.make(session, accounts)
        hand_in_file(web)
        undone = Undone(web.database.url)
        with client_of(create_app(get_settings(), undone)) as opened:
            yield opened
        undone.dispose()


def hand_in_file(web: Web) -> None:
    """Hand in a file, under the number of every object, of the case that was pushed to nobody."""
    headers = {"Authorization": f"Bearer {token_of(f'{AREA}.window')}"}
    sent = {"file": ("file.pdf", rights_requests.PAPER)}
    answer = web.client.post(f"{API_BASE}/files", files=sent, headers=headers)
    assert answer.status_code == 201, answer.text
    own = col(StoredFile.id) == answer.json()["id"]
    case_no = rights_world.CASES["city's stage"][0]
    with web.database.transaction() as session:
        session.exec(update(StoredFile).where(own).values(id=str(ID), case_no=case_no))


def ask(client: Any, row: Row, sent: Sent, username: str | None) -> Any:
    """Send the row's request as an account."""
    headers = dict(sent.headers)
    path = path_of(row.address, row.of)
    if row.of_api:
        path = f"{API_BASE}{path}"
    client.cookies.clear()
    if username is not None and row.of_api:
        headers["Authorization"] = f"Bearer {token_of(username)}"
    elif username is not None:
        client.cookies.set(SESSION_COOKIE, token_of(username))
        headers[CSRF_HEADER] = CSRF
    files = {sent.file[0]: ("file.txt", sent.file[1])} if sent.file is not None else None
    return client.request(
        row.method,
        path,
        params=sent.query or None,
        json=sent.json,
        data=sent.form,
        files=files,
        headers=headers,
        follow_redirects=False,
    )


def is_refused(answer: Any) -> bool:
    """Tell whether the account was refused, or sent to the sign-in."""
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/login")
    return answer.status_code in (401, 403) or to_sign_in


def judge(answer: Any, sent: Sent, row: Row, *, right: bool, listed: bool) -> str | None:
    """Return what is wrong with an answer to an account that has, or has not, the right, None where nothing is."""
    told = f"{answer.status_code} {answer.text[:160]!r}"
    if row.listed_for is not None and listed:
        shown = answer.status_code == 200 and sent.shows in answer.text
        return None if answer.status_code == 200 and shown is right else f"lists it: {shown}; {told}"
    if not right:
        return None if is_refused(answer) else f"not refused: {told}"
    if sent.answers is not None:
        return None if answer.status_code == sent.answers else f"not {sent.answers}: {told}"
    done = answer.status_code < 400 and not is_refused(answer)
    return None if done or answer.status_code == 409 else f"refused or wrong: {told}"


def is_open(row: Row) -> bool:
    """Tell whether everybody may, so that nobody's request tells all."""
    return set(RIGHTS[row.right].values()) == {EVERY}


def tells_apart(row: Row) -> bool:
    """Tell whether the row's right depends on whose the object is; where it does not, one of each kind is enough."""
    return OWN in RIGHTS[row.right].values()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_table_says_who_may(client: Any, row: Row) -> None:
    sent = sent_to(rights_requests.API if row.of_api else rights_requests.PAGES, f"{row.method} {row.address}", row.of)
    wrong = []
    for kind, (own, other) in ACCOUNTS.items():
        if is_open(row) and kind != NOBODY:
            continue
        cell = RIGHTS[row.right][kind]
        listed = row.listed_for is not None and RIGHTS[row.listed_for][kind] == EVERY
        asked = [(own, cell != NONE)]
        if other is not None and tells_apart(row):
            asked.append((other, cell == EVERY))
        for username, right in asked:
            fault = judge(ask(client, row, sent, username), sent, row, right=right, listed=listed)
            if fault is not None:
                wrong.append(f"{kind} {username}: {fault}")
    assert not wrong, "\n".join(wrong)


def test_every_address_of_the_application_stands_in_the_table(client: Any) -> None:
    served = {
        (method, context.path)
        for context in iter_route_contexts(client.app.routes)
        for method in context.methods or ()
        if method != "HEAD"
    }
    told = {(row.method, f"{API_BASE}{row.address}" if row.of_api else row.address) for row in ROWS}
    assert sorted(served - told) == []
    assert sorted(told - served) == []


def test_the_table_knows_every_kind_of_account_and_every_right_is_used() -> None:
    assert all(list(by_kind) == list(ACCOUNTS) for by_kind in RIGHTS.values())
    assert {cell for by_kind in RIGHTS.values() for cell in by_kind.values()} == {EVERY, OWN, NONE}
    used = {row.right for row in ROWS} | {row.listed_for for row in ROWS if row.listed_for is not None}
    assert used == set(RIGHTS)
    assert len({str(row) for row in ROWS}) == len(ROWS)


def test_what_is_sent_belongs_to_an_address_of_the_table() -> None:
    for table, of_api in ((rights_requests.API, True), (rights_requests.PAGES, False)):
        told = {f"{row.method} {row.address}" for row in ROWS if row.of_api is of_api}
        assert {re.sub(r" \([^)]*\)$", "", one) for one in table} <= told


def test_a_request_leaves_no_trace_for_the_next(client: Any) -> None:
    row = next(one for one in ROWS if one.of_api and one.address == "/cases/{case_no}/withdraw")
    sent = rights_requests.API["POST /cases/{case_no}/withdraw"]
    for _ in range(2):
        assert ask(client, row, sent, f"{AREA}.window").status_code == 202
    with client.app.state.database.reading() as session:
        assert session.get_one(Case, rights_world.CASES[rights_world.USUAL][0]).is_open
