"""Open accounts as the administrators do, and sign people in, by the API and by the pages."""

import re
from typing import Any

from tests.integration.web import PASSWORD, Web, serial

SYSTEM, SECURITY, AUDITOR = "admin.system", "admin.security", "admin.audit"
OWN = "a password of my own"


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a refusal and return it."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return dict(answer.json())


def opened(web: Web, **fields: str) -> tuple[str, str]:
    """Open an account of a new name and return the name and its one-time password."""
    username = f"person{next(serial)}"
    answer = web.post("/accounts", SYSTEM, json={"username": username, "name": "王某", **fields})
    assert answer.status_code == 201, answer.text
    return username, answer.json()["initial_password"]


def granted(web: Web, username: str, *groups: str) -> Any:
    """Give an account posts, as the security administrator."""
    body = {"groups": list(groups), "reason": "岗位调整"}
    return web.client.put(f"/api/v1/accounts/{username}/memberships", json=body, headers=web.headers(SECURITY))


def token(web: Web, username: str, password: str) -> dict[str, str]:
    """Sign in afresh and return the headers of the session."""
    answer = web.post("/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def person(web: Web, *groups: str) -> str:
    """Return a person with a password of their own and these posts, signed in."""
    username, initial = opened(web)
    if groups:
        assert granted(web, username, *groups).status_code == 200
    headers = token(web, username, initial)
    changed = web.client.post("/api/v1/me/password", json={"old": initial, "new": OWN}, headers=headers)
    assert changed.status_code == 204, changed.text
    web.tokens[username] = headers["Authorization"].removeprefix("Bearer ")
    return username


def sign_in(web: Web, username: str) -> str:
    """Sign in to the pages and return the secret of their forms."""
    web.client.cookies.clear()
    fresh = re.search(r'name="csrf" value="([^"]+)"', web.client.get("/login").text)
    assert fresh is not None
    fields = {"username": username, "password": PASSWORD, "csrf": fresh[1]}
    answer = web.client.post("/login", data=fields, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    found = re.search(r'name="csrf" value="([^"]+)"', web.client.get("/items").text)
    assert found is not None
    return found[1]
