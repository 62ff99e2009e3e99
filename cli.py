"""The command line, ``tongquan``: each command reads its arguments, calls ``ops``, and says what came of it."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from engine.errors import EngineError
from ops.controlled_clock import parse_start, with_explicit_value
from ops.terminal import complain, say
from services.errors import SetupError, TongquanError
from settings import PROJECT_ROOT, Settings

FAILED = 1
INTERRUPTED = 130

app = typer.Typer(
    name="tongquan",
    help="市县同权审批：运行、查看和维护一个实例。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
clock_app = typer.Typer(help="受控时钟。", no_args_is_help=True, rich_markup_mode=None)
catalogue_app = typer.Typer(help="事项目录。", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(clock_app, name="clock")
app.add_typer(catalogue_app, name="catalogue")
keys_app = typer.Typer(help="密钥。", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(keys_app, name="keys")
seals_app = typer.Typer(help="电子印章。", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(seals_app, name="seals")

StateDir = Annotated[
    Path,
    typer.Option("--state-dir", envvar="TONGQUAN_STATE_DIR", help="状态目录。", show_default=".tongquan"),
]
DEFAULT_STATE_DIR = PROJECT_ROOT / ".tongquan"
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="文件", help="口令在此文件首行；也可设 TONGQUAN_BACKUP_PASSPHRASE。"),
]
ReadyTimeout = Annotated[
    float,
    typer.Option(
        "--ready-timeout", envvar="TONGQUAN_READY_TIMEOUT", min=0, metavar="秒", help="最多等待就绪的秒数；0 为不限。"
    ),
]


@app.command()
def up(
    state_dir: StateDir = DEFAULT_STATE_DIR,
    port: Annotated[int | None, typer.Option(help="网站端口；不指定则沿用上次的，首次为 8000 或空闲端口。")] = None,
    engine: Annotated[str | None, typer.Option(help="引擎版本：8.5.8（默认）或 8.6.0。")] = None,
    operate: Annotated[bool, typer.Option("--operate", help="同时运行 Operate（Camunda 8.6.0）。")] = False,
    zeebe: Annotated[str | None, typer.Option(help="使用已有的 Zeebe 集群，不启动内置引擎。")] = None,
    controlled_clock: Annotated[
        str | None,
        typer.Option(metavar="[=ISO时刻]", help="受控时钟，可用等号给出起始时刻；不带时区的按中国时间。"),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="就绪后返回，在后台继续运行。")] = False,
    ready_timeout: ReadyTimeout = 1800,
) -> None:
    """启动一个实例并看护它。"""
    from ops.up import UpOptions
    from ops.up import up as run

    controlled, start = parse_start(controlled_clock)
    options = UpOptions(state_dir, port, engine, operate, zeebe, controlled, start)
    if not detach:
        raise typer.Exit(run(options))
    from ops.detached import start_detached

    _ = options.wanted
    given: list[tuple[str, object]] = [
        ("--state-dir", state_dir.expanduser().absolute()),
        ("--port", port),
        ("--engine", engine),
        ("--zeebe", zeebe),
        ("--controlled-clock", controlled_clock),
    ]
    arguments = [f"{name}={value}" for name, value in given if value is not None]
    raise typer.Exit(start_detached(state_dir, [*arguments, *(["--operate"] if operate else [])], ready_timeout))


@app.command()
def init(
    production: Annotated[bool, typer.Option("--production", help="建立正式实例。")] = False,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    engine: Annotated[str | None, typer.Option(help="引擎版本：8.5.8（默认）或 8.6.0。")] = None,
    zeebe: Annotated[str | None, typer.Option(help="将使用已有的 Zeebe 集群，不启动内置引擎。")] = None,
    system: Annotated[str | None, typer.Option(metavar="用户名=姓名", help="系统管理员；不给则询问。")] = None,
    security: Annotated[str | None, typer.Option(metavar="用户名=姓名", help="安全保密管理员；不给则询问。")] = None,
    audit: Annotated[str | None, typer.Option(metavar="用户名=姓名", help="安全审计员；不给则询问。")] = None,
) -> None:
    """建立正式实例：密钥和三名管理员；不带 --production 则说明两种模式。"""
    from ops.instance import InstanceDirectory
    from ops.production_init import MODES, OFFICES, Person, init_production, require_fresh
    from ops.up import UpOptions

    if not production:
        say(MODES)
        return
    directory = InstanceDirectory(state_dir)
    wanted = UpOptions(state_dir, engine=engine, zeebe=zeebe).wanted
    require_fresh(directory)
    people = {
        office: Person.parse(given or typer.prompt(f"{title}（用户名=姓名）"))
        for (office, title), given in zip(OFFICES.items(), (system, security, audit), strict=True)
    }
    passwords = init_production(directory, wanted, people)
    say(f"✓ 已建立正式实例：{directory.root}")
    say("  三名管理员的初始口令只显示这一次，请分别交给本人，登录后立即更改：")
    for office, person in people.items():
        say(f"    {OFFICES[office]} {person.name}：用户名 {person.username}，口令 {passwords[office]}")
    say(f"  请另存密钥 {directory.root / 'keys'}：丢失后，此前的文书不能再核验")
    say(f"  启动：tongquan up --state-dir {directory.root}")


@app.command("retire-demo-accounts")
def retire_demo_accounts(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """停用数据库中口令公开的演示账号，使其可用于正式实例。"""
    from models.database import Database
    from ops.environment import adopt_instance
    from ops.instance import InstanceDirectory
    from services.accounts import demo_accounts
    from services.clock import machine_now
    from settings import get_settings

    adopt_instance(InstanceDirectory(state_dir))
    if get_settings().development:
        raise SetupError("开发实例需要演示账号：此命令只用于正式实例（TONGQUAN_ENVIRONMENT=production）")
    database = Database(get_settings().effective_database_url)
    try:
        with database.transaction() as session:
            retired = demo_accounts.retire_demo_accounts(session, "deployment", machine_now())
    finally:
        database.dispose()
    say(f"✓ 已停用 {len(retired)} 个演示账号")


@app.command()
def down(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """停止实例，等到全部进程结束。"""
    from ops.down import down as stop
    from ops.instance import InstanceDirectory

    say("✓ 已停止" if stop(InstanceDirectory(state_dir)) else "✓ 没有在运行")


@app.command()
def status(
    state_dir: StateDir = DEFAULT_STATE_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """显示各进程、端口与就绪情况；没有运行时退出码为 3。"""
    from ops import status as module
    from ops.instance import InstanceDirectory

    directory = InstanceDirectory(state_dir)
    found = module.status(directory)
    if as_json:
        say(json.dumps(found, ensure_ascii=False, indent=1))
    elif found is None:
        say(f"没有在运行（状态目录 {directory.root}）")
    else:
        module.print_status(found)
    raise typer.Exit(0 if found is not None else module.NOT_RUNNING)


@app.command()
def doctor(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """逐项检查运行条件，并说明如何补救。"""
    from ops.doctor import examine
    from ops.environment import adopt_instance
    from ops.instance import InstanceDirectory

    directory = InstanceDirectory(state_dir)
    with contextlib.suppress(SetupError):  # The findings name it.
        adopt_instance(directory)
    well = True
    for finding in examine(directory):
        say(str(finding))
        well = well and finding.ok
    raise typer.Exit(0 if well else FAILED)


@app.command()
def deploy(
    models: Annotated[Path, typer.Argument(help="流程目录。", show_default="bpmn")] = PROJECT_ROOT / "bpmn",
    state_dir: StateDir = DEFAULT_STATE_DIR,
    if_changed: Annotated[bool, typer.Option("--if-changed", help="与上次部署相同则不部署。")] = False,
    ready_timeout: ReadyTimeout = 120,
) -> None:
    """把流程、决策表和表单部署到引擎。"""
    from ops.deployment import deploy as run
    from ops.deployment import describe, require_engine
    from ops.environment import adopt_instance
    from ops.instance import InstanceDirectory

    directory = InstanceDirectory(state_dir)
    require_engine(directory, os.environ)
    adopt_instance(directory)
    report = run(directory, models.absolute(), only_if_changed=if_changed, patience=ready_timeout or None)
    for line in describe(report):
        say(line)


@app.command()
def lint(
    models: Annotated[list[Path] | None, typer.Argument(help="流程文件。", show_default="bpmn/*.bpmn")] = None,
) -> None:
    """按 8.5 与 8.6 的规则检查流程文件。"""
    from ops.lint import lint as run

    clean, said = run(models or [])
    if said:
        say(said)
    say("✓ 流程文件没有错误" if clean else "✗ 流程文件有错误")
    raise typer.Exit(0 if clean else FAILED)


@clock_app.command("advance")
def clock_advance(
    duration: Annotated[str, typer.Argument(help="秒数，或如 45s、30m、12h、3d、1d12h。")],
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """把引擎与产品的时间一起向前推进。"""
    from ops.clock_advance import advance, parse_duration

    seconds = parse_duration(duration)
    _require_running(state_dir)
    say(f"✓ 现在是 {advance(seconds).isoformat(timespec='seconds')}")


@app.command()
def backup(
    target: Annotated[Path | None, typer.Argument(help="备份文件。", show_default="状态目录旁")] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="加密备份（age）；用口令，或用 --recipient。")] = False,
    recipient: Annotated[str, typer.Option(metavar="age1…", help="加密给此公钥。")] = "",
    passphrase_file: PassphraseFile = None,
) -> None:
    """备份实例：数据库、文件与引擎在同一时刻；运行中的只停顿数秒，期间仍可接件。"""
    from ops.archive_encryption import ArchiveKey
    from ops.backup import backup as run
    from ops.instance import InstanceDirectory

    key = None
    if encrypt or recipient:
        key = ArchiveKey.read(passphrase_file=passphrase_file, recipient=recipient)
        key.require_closing()
    say(f"✓ 已备份到 {run(InstanceDirectory(state_dir), target.absolute() if target else None, key)}")


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="备份文件。")],
    state_dir: StateDir = DEFAULT_STATE_DIR,
    passphrase_file: PassphraseFile = None,
    identity: Annotated[Path | None, typer.Option(metavar="文件", help="打开备份的 age 私钥文件。")] = None,
) -> None:
    """把备份恢复到一个空的状态目录；加密的备份需要口令或私钥。"""
    from ops.archive_encryption import ArchiveKey
    from ops.backup import restore as run
    from ops.instance import InstanceDirectory

    directory = InstanceDirectory(state_dir)
    key = ArchiveKey.read(passphrase_file=passphrase_file, identity=identity)
    say(f"✓ 已恢复 {run(directory, archive, key)} 个文件到 {directory.root}")


@catalogue_app.command("validate")
def catalogue_validate(
    folder: Annotated[Path | None, typer.Argument(help="目录文件夹。", show_default="catalog_data")] = None,
) -> None:
    """检查事项目录，指出文件、行和列。"""
    from catalog_data.validate import validate

    if folder is not None and not folder.is_dir():
        raise SetupError(f"找不到文件夹 {folder}：请检查路径")
    problems = validate(folder)
    for problem in problems:
        say(f"✗ {problem}")
    say(f"✗ 共 {len(problems)} 处错误" if problems else "✓ 事项目录没有错误")
    raise typer.Exit(FAILED if problems else 0)


@keys_app.callback()
def keys_list(context: typer.Context, state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """列出实例的密钥（只有编号和来源）；下列子命令更换或封装数据密钥。"""
    if context.invoked_subcommand is not None:
        return
    from ops.data_keys import describe
    from ops.instance import InstanceDirectory

    for line in describe(InstanceDirectory(state_dir)):
        say(line)


@keys_app.command("rotate")
def keys_rotate(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """更换数据密钥，并用新密钥重写全部密文与摘要；中断后再运行一次即可。"""
    from ops.data_keys import rotate
    from ops.instance import InstanceDirectory

    done = rotate(InstanceDirectory(state_dir))
    say(f"✓ 已改用数据密钥 {done.present}：重新加密 {done.encrypted} 行，重新封存 {done.sealed} 行")
    if done.kept:
        say(f"  旧密钥 {'、'.join(done.former)} 已删除；此前的备份仍须用它打开，请另存新密钥")
    else:
        say(f"  请从 TONGQUAN_DATA_KEY 中去掉旧密钥 {'、'.join(done.former)}，并重新启动各进程")
    if done.feed_password:
        say("  引擎记录口令也已更换")


@keys_app.command("wrap")
def keys_wrap(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """用密码设备（PKCS#11）封装状态目录中的数据密钥。"""
    from ops.data_keys import wrap
    from ops.instance import InstanceDirectory

    made = wrap(InstanceDirectory(state_dir))
    say(f"✓ 数据密钥已由密码设备封装{'，其中的密钥是新生成的' if made else ''}；此后没有设备就不能启动")


@seals_app.callback()
def seals_list(context: typer.Context, state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """列出电子印章及其证书的有效期；下列子命令导入外部证书。"""
    if context.invoked_subcommand is not None:
        return
    from ops.instance import InstanceDirectory
    from ops.seal_import import describe

    for line in describe(InstanceDirectory(state_dir)):
        say(line)


@seals_app.command("import")
def seals_import(
    file: Annotated[Path, typer.Argument(help="PKCS#12 文件（.p12、.pfx），含私钥、证书和证书链。")],
    seal: Annotated[str, typer.Option(help="印章全文，与文书上的印文一字不差。")],
    owner: Annotated[str, typer.Option(help="所属机关；不填则取印文中的机关。")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(metavar="文件", help="口令在此文件首行。")] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """用其他机构颁发的证书替换（或登记）一枚印章的证书；此前签发的文书不受影响。"""
    from ops.instance import InstanceDirectory
    from ops.seal_import import import_certificate

    done = import_certificate(InstanceDirectory(state_dir), seal, owner, file, passphrase_file)
    say(f"✓ 印章“{done.text}”已改用导入的证书，有效期至 {done.valid_until:%Y-%m-%d}，下一份文书起使用")


@app.command("verify-audit")
def verify_audit(state_dir: StateDir = DEFAULT_STATE_DIR) -> None:
    """核对审计链、链外保存的链头，以及文书、决定、意见等内容，指出被改动的每一处。"""
    from models.database import Database
    from ops.environment import adopt_instance
    from ops.instance import InstanceDirectory
    from services.journal import audit
    from services.witness import heads
    from services.witness.verification import verify
    from settings import get_settings

    directory = InstanceDirectory(state_dir)
    if directory.identity() is None:
        raise SetupError(f"{directory.root} 不是状态目录：请用 --state-dir 指明")
    adopt_instance(directory)
    database = Database(get_settings().effective_database_url)
    with database.reading() as session:
        head = audit.head(session)
        found = 0
        for finding in verify(session, heads.file_of(get_settings())):
            found += 1
            say(f"✗ {finding}")
    database.dispose()
    say(f"✗ 共 {found} 处与审计链不符" if found else f"✓ 审计链完整，末条 {head.id}，摘要 {head.digest}")
    raise typer.Exit(FAILED if found else 0)


@app.command()
def setup(engine: Annotated[str | None, typer.Option(help="引擎版本：8.5.8（默认）或 8.6.0。")] = None) -> None:
    """获取引擎并生成前端资源，之后可离线运行。"""
    from engine.distribution import DEFAULT_VERSION
    from ops.setup import set_up

    set_up(engine or DEFAULT_VERSION)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; what goes wrong on purpose is one sentence and exit status 1."""
    given = with_explicit_value(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_outcome(lambda: app(args=given, prog_name="tongquan", standalone_mode=True)))


def _outcome(run: Callable[[], Any]) -> int:
    try:
        run()
    except (TongquanError, EngineError) as exc:
        complain(exc.message)
        return FAILED
    except ValidationError as exc:
        if exc.title != Settings.__name__:
            raise
        told = (f"{'.'.join(map(str, one['loc']))}：{one['msg'].removeprefix('Value error, ')}" for one in exc.errors())
        complain(f"环境变量中的设置有误，{'；'.join(told)}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _require_running(state_dir: Path) -> None:
    """Make this process see the running instance.

    Raises:
        SetupError: none runs.
    """
    from ops.environment import adopt_instance
    from ops.instance import InstanceDirectory

    directory = InstanceDirectory(state_dir)
    record = directory.run()
    if record is None or record.supervisor.find() is None:
        raise SetupError(f"实例没有在运行（状态目录 {directory.root}）：请先 tongquan up")
    adopt_instance(directory)


if __name__ == "__main__":
    main()
