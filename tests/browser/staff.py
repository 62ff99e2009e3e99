"""A person at the pages: signs in, hands in a case, answers tasks, all by what a person can see."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from tests.instance import PASSWORD, id_card

EXPECTED_REFUSALS = re.compile(r"status of 4\d\d")
"""Chromium writes every refused navigation to the console; those are what some tests are about."""


@dataclass
class Staff:
    """One person's browser page and the script faults it met."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, browser: Browser, url: str, username: str | None) -> "Staff":
        """Open a fresh browser profile and sign in, unless nobody is named."""
        person = cls(browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800}).new_page(), url)
        person.page.on("console", person._hear)
        person.page.on("pageerror", lambda error: person.faults.append(str(error)))
        if username is not None:
            person.open("/login")
            person.page.get_by_label("用户名").fill(username)
            person.page.get_by_label("密码").fill(PASSWORD)
            person.page.get_by_role("button", name="登录").click()
            expect(person.page.get_by_role("button", name="退出")).to_be_visible()
        return person

    def open(self, path: str) -> Response:
        """Go to a page and return the answer."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return answer

    def fill_in_case(self, item: str, number: int, project: str) -> None:
        """Pick an item and fill in its form for an invented person who brings every required material."""
        self.open("/cases/new")
        self.page.get_by_label("查找事项").fill(item)
        self.page.get_by_role("link", name=item).click()
        self.page.get_by_label("个人", exact=True).check()
        self.page.get_by_label("姓名或单位名称").fill("测试申请人")
        self.page.get_by_label("证件号码").fill(id_card(number))
        self.page.get_by_label("联系电话").fill("13800000000")
        self.page.get_by_label("项目名称").fill(project)
        self.page.get_by_role("button", name="必需材料全部收到").click()

    def submit_case(self) -> str:
        """Send the form and return the case number shown."""
        self.page.get_by_role("button", name="提交接件").click()
        expect(self.page.get_by_text("已接件，请把办件号和查询码告知申请人。")).to_be_visible()
        return self.page.url.split("/cases/")[1].split("?")[0]

    def answer_task(self, task_id: str, outcome: str | None = None, opinion: str = "") -> None:
        """Fill in a task's form, send it, and see the notice on the case page."""
        self.open(f"/tasks/{task_id}")
        if outcome is not None:
            self.page.locator("#form").get_by_label(outcome, exact=True).check()
        if opinion:
            self.page.locator("#form textarea").fill(opinion)
        self.page.get_by_role("button", name=re.compile("^(提交|完成)$")).click()
        expect(self.page.get_by_text("已提交。")).to_be_visible()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not EXPECTED_REFUSALS.search(message.text):
            self.faults.append(message.text)
