"""Make an instance ready: bring the database to the latest revision and seed what it needs."""

from datetime import date, datetime

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from catalog_data.loader import load_catalogue
from models.catalogue import Area, CountyUnit, ItemVersion, Mode, Unit
from models.clock_state import ClockState
from models.database import Database
from services import clock, key_rotation, keys
from services.accounts.demo_accounts import active_demo_accounts, seed_demo_accounts
from services.calendar import calendar_files
from services.catalogue import seeding
from services.errors import SetupError
from services.journal import seals
from services.powers import agreements
from services.signatures import authority
from settings import PROJECT_ROOT, Settings

MIGRATIONS = PROJECT_ROOT / "models" / "migrations"

DEMO_AGREEMENT_AREAS = ("rongjiang", "zhanggong")
DEMO_AGREEMENT_FROM = date(2022, 6, 1)


def prepare(settings: Settings, *, clock_start: datetime | None = None) -> None:
    """Migrate, seed, and fix the clock; running it again changes nothing. Raises ``SetupError`` with the way out."""
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys.load_data_keys(settings)
    database = Database(settings.effective_database_url)
    try:
        migrate(database)
        key_rotation.renew(database)
        with database.transaction() as session:
            _require_same_clock(session, settings)
            if settings.controlled_clock:
                clock.control(session, clock_start)
            _seed(session, settings)
            authority.make(session)
            seals.anchor(session)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise SetupError(f"数据库不可用（{reason}）：请检查 DATABASE_URL、磁盘空间和权限后重试") from error
    finally:
        database.dispose()


def migrate(database: Database) -> None:
    """Bring the schema to the latest revision; refuse a database that a later release has changed."""
    config = _alembic(database.url)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        foreign = current is None and inspect(connection).get_table_names()
    if current is not None and current not in known:
        raise SetupError("数据库由更新的版本写成：请使用该版本启动，或用 --state-dir 指定新的状态目录")
    if foreign:
        raise SetupError("数据库中已有其他程序的表：请用 DATABASE_URL 指定一个空库")
    command.upgrade(config, "head")


def database_is_current(session: Session) -> bool:
    """Tell whether the schema is at the latest revision."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    return MigrationContext.configure(session.connection()).get_current_revision() == head


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def _require_same_clock(session: Session, settings: Settings) -> None:
    state = session.get(ClockState, clock.CLOCK_ROW)
    used = session.exec(select(ItemVersion.id)).first() is not None
    if state is not None and not settings.controlled_clock:
        raise SetupError("此状态目录使用受控时钟：请加 --controlled-clock 启动，或用 --state-dir 指定新的状态目录")
    if state is None and used and settings.controlled_clock:
        raise SetupError("此状态目录使用机器时钟，不能改为受控时钟：请用 --state-dir 指定新的状态目录")


def _require_no_demo_accounts(session: Session) -> None:
    if found := active_demo_accounts(session):
        raise SetupError(
            f"数据库中有 {len(found)} 个口令公开的演示账号（{found[0]} 等），正式实例不能启动："
            "请用 tongquan init --production 另建，或先用 tongquan retire-demo-accounts 停用它们"
        )


def _seed(session: Session, settings: Settings) -> None:
    seeding.seed_catalogue(session, load_catalogue())
    calendar_files.seed_calendars(session, clock.product_now(session))
    if not settings.development:
        _require_no_demo_accounts(session)
        return
    areas = session.exec(select(Area)).all()
    seed_demo_accounts(session, areas, session.exec(select(CountyUnit)).all(), session.exec(select(Unit)).all())
    substantive = session.exec(select(ItemVersion).where(ItemVersion.mode == Mode.SUBSTANTIVE)).all()
    by_unit: dict[str, list[str]] = {}
    for item in substantive:
        codes = by_unit.setdefault(item.unit, [])
        if item.code not in codes:
            codes.append(item.code)
    agreements.seed_demo_agreements(
        session, DEMO_AGREEMENT_AREAS, by_unit, DEMO_AGREEMENT_FROM, clock.product_now(session)
    )
