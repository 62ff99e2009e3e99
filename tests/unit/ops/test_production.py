"""A production instance: begun on purpose, never mixed with development, refused when it is open to others."""

import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from cli import app, main
from models.account import Account, Membership
from models.audit import AuditEntry
from models.catalogue import Area
from models.database import Database
from models.group import ADMINISTRATORS
from ops import engine_preparation, production
from ops import up as up_module
from ops.doctor import examine
from ops.environment import adopt_instance
from ops.instance import EXTERNAL_ENGINE, PRIVATE_UMASK, Identity, InstanceDirectory
from ops.production_init import OFFICES, Person, init_production
from ops.up import UpOptions, up
from services.accounts import demo_accounts, passwords, registration
from services.accounts.password_policy import ONE_TIME_LENGTH
from services.errors import SetupError
from settings import Environment, Settings, get_settings
from tests.databases import Databases, migrated

PEOPLE = ("--system=zhang.san=张三", "--security=li.si=李四", "--audit=wang.wu=王五")
ZEEBE = Identity("8.5.8", controlled_clock=False)
OURS = ("TONGQUAN_ENVIRONMENT", "TONGQUAN_PUBLIC_URL", "TONGQUAN_WEB_HOST", "DATABASE_URL", "TONGQUAN_DATABASE_URL")
"""What a test must not take over from whoever runs it, nor from an earlier command in this process."""


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """Yield a database that somebody has migrated, beside the state directory."""
    with migrated(databases, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Begin a production instance for the tests to copy; the seed takes its seconds."""
    root = tmp_path_factory.mktemp("production") / "state"
    people = {group: Person.parse(f"{name}.admin") for group, name in zip(OFFICES, ("a", "b", "c"), strict=True)}
    before, umask = dict(os.environ), os.umask(0o022)
    for name in OURS:
        os.environ.pop(name, None)
    try:
        init_production(InstanceDirectory(root), ZEEBE, people)
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(before)
        get_settings.cache_clear()
    return root


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back the environment and the umask a command has changed for its process."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    before, umask = dict(os.environ), os.umask(0o022)
    yield
    os.umask(umask)
    os.environ.clear()
    os.environ.update(before)
    get_settings.cache_clear()


@pytest.fixture
def begun(made: Path, tmp_path: Path) -> InstanceDirectory:
    """Return the directory of a production instance that has just been begun."""
    shutil.copytree(made, tmp_path / "state")
    return InstanceDirectory(tmp_path / "state")


def run(*arguments: str) -> int:
    """Run a command of the product in this process and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def database_of(directory: InstanceDirectory) -> Database:
    return Database(f"sqlite:///{directory.root / 'tongquan.db'}")


def test_init_makes_the_keys_and_three_administrators_and_shows_each_password_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)
    assert run("init", "--production", f"--state-dir={tmp_path / 'state'}", *PEOPLE) == 0
    directory = InstanceDirectory(tmp_path / "state")
    told = dict(re.findall(r"用户名 ([\w.]+)，口令 (\w+)", capfd.readouterr().out))
    assert set(told) == {"zhang.san", "li.si", "wang.wu"}
    assert {len(password) for password in told.values()} == {ONE_TIME_LENGTH}
    assert directory.identity() == replace(ZEEBE, mode=Environment.PRODUCTION)
    with database.reading() as session:
        accounts = {one.username: one for one in session.exec(select(Account)).all()}
        groups = {one.username: one.group_name for one in session.exec(select(Membership)).all()}
        audited = session.exec(select(AuditEntry.subject).where(col(AuditEntry.action) == "account.create")).all()
        assert session.exec(select(Area)).first() is not None
    assert {name: one.display_name for name, one in accounts.items()} == {
        "zhang.san": "张三",
        "li.si": "李四",
        "wang.wu": "王五",
    }
    assert set(groups.values()) == {group.name for group in ADMINISTRATORS}
    assert all(passwords.verify(accounts[name].password_hash, password) for name, password in told.items())
    assert sorted(audited) == sorted(told)
    for path in directory.root.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        assert not any(password.encode() in text for password in told.values()), path


def test_what_init_makes_is_its_owners_alone(made: Path) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (made, *made.rglob("*"))}
    assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    assert modes[made / "keys" / "signing.key"] == modes[made / "keys" / "data.key"] == 0o600


def test_a_second_init_is_refused_and_changes_nothing(
    begun: InstanceDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()}
    assert run("init", "--production", f"--state-dir={begun.root}", *PEOPLE) == 1
    assert "已是正式实例" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()} == before


def test_a_directory_begun_in_development_is_not_made_production(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(replace(ZEEBE, mode=Environment.DEVELOPMENT))
    assert run("init", "--production", f"--state-dir={tmp_path}", *PEOPLE) == 1
    assert "不能转为正式" in capfd.readouterr().err
    with pytest.raises(SetupError, match="不能转为正式"):
        directory.check(replace(ZEEBE, mode=Environment.PRODUCTION))


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert run("init", "--production", f"--state-dir={tmp_path}", *PEOPLE) == 1
    assert "不是空目录" in capfd.readouterr().err
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (("--system=zhang.san", "--security=Zhang.San", "--audit=wang.wu"), "三个不同的账号"),
        (("--system==张三", "--security=li.si", "--audit=wang.wu"), "用户名=姓名"),
        (("--system=" + "x" * 65, "--security=li.si", "--audit=wang.wu"), "应为 1 至 64 个"),
    ],
)
def test_people_who_cannot_be_appointed_leave_nothing_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], people: tuple[str, ...], said: str
) -> None:
    assert run("init", "--production", f"--state-dir={tmp_path / 'state'}", *people) == 1
    assert said in capfd.readouterr().err
    assert not (tmp_path / "state").exists()


def test_a_database_with_accounts_is_no_place_to_begin(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        registration.create_account(session, "somebody", "某人", "long enough indeed", ["xingguo.window"])
    monkeypatch.setenv("DATABASE_URL", database.url)
    (tmp_path / "state").mkdir()
    assert run("init", "--production", f"--state-dir={tmp_path / 'state'}", *PEOPLE) == 1
    assert "已有账号" in capfd.readouterr().err
    assert [path.name for path in (tmp_path / "state").iterdir()] == [".lock"]


def test_without_its_option_init_explains_both_modes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("init", f"--state-dir={tmp_path / 'state'}") == 0
    told = capfd.readouterr().out
    assert "tongquan up" in told
    assert "tongquan init --production" in told
    assert not (tmp_path / "state").exists()


def test_who_is_not_named_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("wang.wu=王五\n"))
    assert run("init", "--production", f"--state-dir={tmp_path / 'state'}", *PEOPLE[:2]) == 0
    assert "安全审计员 王五：用户名 wang.wu" in capfd.readouterr().out


def test_nobody_to_ask_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("init", "--production", f"--state-dir={tmp_path / 'state'}", *PEOPLE[:2]) == 1
    assert capfd.readouterr().err.strip() == "Aborted!"
    assert not (tmp_path / "state").exists()


# -- a start of it


def test_the_directory_alone_makes_the_mode(begun: InstanceDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONGQUAN_ENVIRONMENT", raising=False)
    assert begun.check(UpOptions(begun.root).wanted).production
    adopt_instance(begun)
    assert get_settings().environment is Environment.PRODUCTION


def test_it_is_not_opened_in_development(begun: InstanceDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_ENVIRONMENT", "development")
    with pytest.raises(SetupError, match="请去掉 TONGQUAN_ENVIRONMENT=development"):
        up(UpOptions(begun.root))


def test_a_mode_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_ENVIRONMENT", "staging")
    with pytest.raises(SetupError, match="TONGQUAN_ENVIRONMENT=staging"):
        up(UpOptions(tmp_path))


def test_production_does_not_begin_by_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_ENVIRONMENT", "production")
    with pytest.raises(SetupError, match="请先运行 tongquan init --production"):
        up(UpOptions(tmp_path / "state"))


def test_a_directory_of_an_earlier_release_takes_the_mode_it_is_started_in(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(ZEEBE)
    assert directory.check(replace(ZEEBE, mode=Environment.PRODUCTION)).production
    assert directory.check(ZEEBE).mode is Environment.DEVELOPMENT


def test_a_controlled_clock_is_refused(begun: InstanceDirectory) -> None:
    with pytest.raises(SetupError, match="只能使用机器时钟"):
        up(UpOptions(begun.root, controlled_clock=True))


@pytest.mark.parametrize("opened", [".", "keys", "keys/signing.key"])
@pytest.mark.parametrize("bits", [0o040, 0o004])
def test_what_others_can_read_is_refused_by_name(begun: InstanceDirectory, opened: str, bits: int) -> None:
    path = begun.root / opened
    path.chmod(stat.S_IMODE(path.stat().st_mode) | bits)
    with pytest.raises(SetupError, match=f"{re.escape(str(path))} 对本机其他用户开放：请运行 chmod"):
        up(UpOptions(begun.root))


def test_a_missing_key_is_refused_and_not_made_anew(begun: InstanceDirectory, prepared: UpOptions) -> None:
    key = begun.root / "keys" / "signing.key"
    key.unlink()
    with pytest.raises(SetupError, match="缺少签名密钥"):
        up(prepared)
    assert not key.exists()


def test_demonstration_accounts_are_refused_wherever_they_came_from(
    begun: InstanceDirectory, prepared: UpOptions, capfd: pytest.CaptureFixture[str]
) -> None:
    database = database_of(begun)
    with database.transaction() as session:
        shared = passwords.hash_password(demo_accounts.DEMO_PASSWORD)
        for name in ("somebody", "somebody.else"):
            registration.add(session, name, name, shared, frozenset({"xingguo.window"}))
        own = passwords.hash_password(demo_accounts.DEMO_PASSWORD)
        registration.add(session, "xingguo.window", "窗口", own, frozenset({"xingguo.window"}))
    with pytest.raises(SetupError, match=r"3 个口令公开的演示账号（somebody 等）.*retire-demo-accounts"):
        up(prepared)
    assert run("retire-demo-accounts", f"--state-dir={begun.root}") == 0
    assert "已停用 3 个" in capfd.readouterr().out
    with database.reading() as session:
        active = session.exec(select(Account.username).where(col(Account.active))).all()
        retired = session.exec(select(AuditEntry.subject).where(AuditEntry.action == "account.retire_demo")).all()
    database.dispose()
    assert sorted(active) == ["a.admin", "b.admin", "c.admin"]
    assert len(retired) == 3
    with pytest.raises(Started):
        up(prepared)


def test_the_few_hashes_that_can_be_seeded_are_tried_and_no_persons(
    begun: InstanceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_of(begun)
    with database.transaction() as session:
        for name in ("xingguo.window", "city.zrzy.approver"):
            registration.add(session, name, name, passwords.hash_password("a password of its own"), frozenset({name}))
        for number in range(20):
            registration.add(session, f"person{number}", "人", passwords.hash_password("x" * 12), frozenset())
    tried: list[str | None] = []
    genuine = passwords.verify
    monkeypatch.setattr(
        demo_accounts, "verify", lambda stored, password: tried.append(stored) or genuine(stored, password)
    )
    with database.reading() as session:
        assert demo_accounts.active_demo_accounts(session) == []
    database.dispose()
    assert len(tried) == 2


def test_plain_http_beyond_this_machine_is_refused(
    begun: InstanceDirectory, prepared: UpOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGQUAN_WEB_HOST", "0.0.0.0")  # noqa: S104
    with pytest.raises(SetupError, match="TONGQUAN_PUBLIC_URL"):
        up(prepared)
    monkeypatch.setenv("TONGQUAN_PUBLIC_URL", "https://spj.example.gov.cn")
    with pytest.raises(Started):
        up(prepared)


def test_a_start_of_production_keeps_new_files_to_its_owner(prepared: UpOptions) -> None:
    with pytest.raises(Started) as reached:
        up(prepared)
    assert reached.value.umask == PRIVATE_UMASK


def test_a_setting_that_is_none_is_one_line(
    begun: InstanceDirectory, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONGQUAN_PUBLIC_URL", "spj.example")
    get_settings.cache_clear()
    assert run("doctor", f"--state-dir={begun.root}") == 1
    told = capfd.readouterr().err.splitlines()
    assert told == [
        "✗ 环境变量中的设置有误，public_url：TONGQUAN_PUBLIC_URL 应形如 https://spj.example.gov.cn，不带路径"
    ]


class Started(Exception):
    """Everything has been checked, and the first child would be started, with this umask."""

    def __init__(self) -> None:
        super().__init__()
        self.umask = os.umask(PRIVATE_UMASK)
        os.umask(self.umask)


@pytest.fixture
def prepared(begun: InstanceDirectory, monkeypatch: pytest.MonkeyPatch) -> UpOptions:
    """Return the wishes of a start that ends where children would begin, with the engine's files taken for granted."""

    def started(_self: object) -> None:
        raise Started

    monkeypatch.setattr(engine_preparation, "fetch_zeebe", lambda *_: begun.root)
    monkeypatch.setattr(engine_preparation, "is_fetched", lambda *_: True)
    monkeypatch.setattr(up_module.Instance, "start", started)
    return UpOptions(begun.root)


# -- what is told


def test_doctor_names_the_mode_and_what_is_amiss(begun: InstanceDirectory) -> None:
    adopt_instance(begun)
    told = [finding for finding in examine(begun) if finding.subject == "运行模式"]
    assert [finding.seen for finding in told if not finding.warning] == ["正式"]
    assert len([finding for finding in told if finding.warning]) == 2
    begun.root.chmod(0o755)
    assert any(not finding.ok and "chmod" in finding.seen for finding in examine(begun))


def test_doctor_warns_of_a_demonstration_that_others_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = InstanceDirectory(tmp_path)
    directory.record(replace(ZEEBE, mode=Environment.DEVELOPMENT))
    adopt_instance(directory)
    told = [str(finding) for finding in examine(directory) if finding.subject == "运行模式"]
    assert told == ["✓ 运行模式：开发"]
    monkeypatch.setenv("TONGQUAN_WEB_HOST", "0.0.0.0")  # noqa: S104
    adopt_instance(directory)
    told = [str(finding) for finding in examine(directory) if finding.subject == "运行模式"]
    assert [line[0] for line in told] == ["✓", "!"]
    assert "演示环境对外开放" in told[1]


@pytest.mark.parametrize(
    ("environment", "host", "url", "loud"),
    [
        ("development", "127.0.0.1", "", False),
        ("development", "::1", "", False),
        ("development", "localhost", "", False),
        ("development", "0.0.0.0", "", True),  # noqa: S104
        ("development", "::", "", True),
        ("development", "10.1.2.3", "", True),
        ("development", "spj.example", "", True),
        ("development", "127.0.0.1", "https://spj.example", True),
        ("production", "0.0.0.0", "https://spj.example", False),  # noqa: S104
    ],
)
def test_a_demonstration_that_others_reach_says_so_loudly(environment: str, host: str, url: str, loud: bool) -> None:
    settings = Settings(environment=Environment(environment), web_host=host, public_url=url)
    banner = production.exposure_banner(settings)
    assert bool(banner) is loud
    assert not loud or "账号与口令是公开的" in "".join(banner)


@pytest.mark.parametrize("url", ["spj.example", "ftp://spj.example", "https://spj.example/path", "https://a b"])
def test_a_public_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="TONGQUAN_PUBLIC_URL"):
        Settings(public_url=url)


def test_compose_is_an_external_engine_in_either_mode(tmp_path: Path) -> None:
    directory = InstanceDirectory(tmp_path)
    wanted = Identity(EXTERNAL_ENGINE, controlled_clock=False, mode=Environment.PRODUCTION)
    assert directory.check(wanted) == wanted


def test_init_is_among_the_commands() -> None:
    assert {"init", "retire-demo-accounts"} <= {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
