"""Operate beside the instance: an administrator signs in and finds a case by the link of its page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.staff import Staff
from tests.databases import Databases
from tests.instance import Instance, running

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

IMPORT_SECONDS = 120
"""Operate reads the engine's records from its search store, some time after they happened."""


@pytest.fixture(scope="module")
def observed(browser: Browser, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance with Operate; without a browser none is started."""
    with running(databases, tmp_path_factory.mktemp("operate"), "--operate") as instance:
        yield instance


def test_an_administrator_finds_a_case_in_operate(browser: Browser, observed: Instance) -> None:
    case_no = observed.submit("W-25", "ruijin")
    observed.complete(case_no, "Task_DecideAcceptance", "accept")
    observed.task(case_no, "Task_ConfirmReceipt")
    clerk = Staff.arrive(browser, observed.url, "ruijin.window")
    clerk.page.goto(f"{observed.url}/cases/{case_no}")
    link = clerk.page.get_by_role("link", name="在 Operate 中查看").get_attribute("href")
    clerk.page.context.close()
    assert link is not None
    base, _, key = link.rpartition("/processes/")
    assert key == observed.case(case_no)["process_instances"][0]["key"]

    page = browser.new_page()
    page.goto(base)
    page.locator("input[name=username]").fill("demo")
    page.locator("input[name=password]").fill("demo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Processes")).to_be_visible(timeout=IMPORT_SECONDS * 1000)
    body = page.locator("body")
    for _ in range(IMPORT_SECONDS // 10):
        page.goto(link)
        try:
            expect(body).to_contain_text(case_no, timeout=10_000)
            break
        except AssertionError:
            continue
    expect(body).to_contain_text(case_no)
    expect(body).to_contain_text("服务窗口前移")
    expect(body).to_contain_text(key)
    page.close()


def test_a_case_goes_to_its_end_on_the_engine_that_operate_watches(observed: Instance) -> None:
    assert observed.finish(observed.submit("W-16", "ruijin"))["state"]["code"] == 11
