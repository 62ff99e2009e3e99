"""A real browser on the running instance; without a Chromium the tests are skipped and counted as such."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.staff import Staff
from tests.instance import Instance

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium() -> str | None:
    """Return the browser to use: ``TONGQUAN_CHROMIUM``, or the first one on the path."""
    return os.environ.get("TONGQUAN_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start the browser once; its event loop ends with this package, for other tests run their own."""
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium found: install one or set TONGQUAN_CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def staff(browser: Browser, instance: Instance) -> Iterator[Callable[[str | None], Staff]]:
    """Give each person a browser of their own; no page may raise a script error or break its content policy."""
    opened: list[Staff] = []

    def arrive(username: str | None) -> Staff:
        person = Staff.arrive(browser, instance.url, username)
        opened.append(person)
        return person

    yield arrive
    for person in opened:
        person.page.context.close()
    assert [fault for person in opened for fault in person.faults] == []
