"""Versions of service guides (办事指南): published by the city from a file; running cases keep the version they have.

A guide belongs to the city unit of its item; a county reads it. A new item code of an imported list gets its first
guide here, and can be submitted from then on.
"""

from datetime import date
from typing import Any, Final

import yaml
from sqlmodel import Session, col, func, select

from catalog_data.guide import (
    Baseline,
    CertificateEffect,
    CertificateKind,
    Guide,
    Material,
    MaterialKind,
    Measure,
    Redress,
    Result,
    Statement,
    Step,
)
from catalog_data.guide_files import read_guide_text
from models.catalogue import GuideVersion, ItemVersion, Mode, PowerKind
from models.power_event import PowerSubject
from models.working_calendar import china_date
from services import locks
from services.accounts import publishing_rights
from services.accounts.actors import Actor
from services.catalogue import in_force, reference
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput, NotFound
from services.powers import recorder

LARGEST_FILE: Final = 256 * 1024
MOST_PROBLEMS: Final = 50
PENDING: Final = "待市级单位填报"
STEPS: Final = {
    Mode.DIRECT: (("受理", "县级综合受理窗口"), ("审查", "县级承办人"), ("决定", "县级审批单位")),
    Mode.SUBSTANTIVE: (
        ("受理", "县级综合受理窗口"),
        ("实质性审核", "县级承办人"),
        ("审核转报", "县级首席代表"),
        ("决定，加盖市级审批专用章", "市级审批单位"),
    ),
    Mode.WINDOW: (("受理", "县级综合受理窗口"), ("审查", "市级承办人"), ("决定", "市级审批单位")),
}
"""The procedure by mode (plan, section 二), with which a new guide begins."""


def parse(content: bytes) -> Guide:
    """Return the guide a YAML file describes; raise ``InvalidInput`` naming line and field of what is wrong.

    Call it before the transaction: reading a file takes time that must not block writers.
    """
    if len(content) > LARGEST_FILE:
        raise InvalidInput([FieldProblem("file", f"文件不能超过{LARGEST_FILE // 1024}KB")])
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInput([FieldProblem(f"file.{line}", "不是 UTF-8 编码，请另存为 UTF-8")]) from error
    found, problems = read_guide_text(text, "file")
    if found is None:
        located = [FieldProblem(".".join(filter(None, (f"file.{p.row}", p.column))), p.message) for p in problems]
        raise InvalidInput(located[:MOST_PROBLEMS])
    return found.value


def get_publishable(session: Session, actor: Actor, code: str) -> ItemVersion:
    """Return the item whose guides the account publishes; raise ``NotFound`` or ``Forbidden``."""
    item = _item(session, code)
    publishing_rights.require_publish_guide(actor, item.unit)
    return item


def publish(session: Session, actor: Actor, code: str, guide: Guide) -> Guide:
    """Publish a guide as the item's next version; raise ``InvalidInput`` naming each field that does not fit the item.

    It applies to cases submitted from now on. An empty ``published_on`` becomes today.
    """
    item = get_publishable(session, actor, code)
    locks.acquire(session, f"guide:{code}")
    today = china_date(product_now(session))
    if problems := _problems(session, guide, item, today):
        raise InvalidInput(problems)
    guide = guide.model_copy(update={"published_on": guide.published_on or today})
    row = GuideVersion(
        code=code, version=guide.version, body=guide.model_dump(mode="json"), published_on=guide.published_on
    )
    session.add(row)
    session.flush()
    matter = recorder.Matter(PowerSubject.GUIDE, row.id or 0, unit=item.unit)
    text = f"发布{code}办事指南第{guide.version}版"
    recorder.record(session, matter, "guide.published", text, actor=actor.username, at=product_now(session))
    return guide


def file_to_edit(session: Session, code: str) -> str:
    """Return the YAML file the next version begins with: the newest guide, or what a new item's mode prescribes."""
    item = _item(session, code)
    newest = in_force.latest_guide(session, code)
    guide = _first(item) if newest is None else newest.model_copy(update={"version": newest.version + 1})
    body = guide.model_copy(update={"published_on": None}).model_dump(mode="json", exclude_none=False)
    if guide.limits is None:
        del body["limits"]
    text = yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=120)
    return f"# {item.code} {item.full_name}\n# assumed: true 的内容为示例，待市级单位核定。\n{text}"


def version_of(session: Session, code: str, version: int | None) -> GuideVersion:
    """Return one version of a guide, the newest when none is named; raise ``NotFound``."""
    found = in_force.find_guide(session, code) if version is None else reference.guide_version(session, code, version)
    if found is None:
        raise NotFound(f"没有这份办事指南：{code}", f"No such guide: {code}")
    return found


def _item(session: Session, code: str) -> ItemVersion:
    today = china_date(product_now(session))
    item = in_force.find_item_or_latest(session, code, today)
    if item is None:
        raise NotFound(f"没有这个事项：{code}", f"No such item: {code}")
    return item


def _problems(session: Session, guide: Guide, item: ItemVersion, today: date) -> list[FieldProblem]:
    newest = session.exec(select(func.max(col(GuideVersion.version))).where(GuideVersion.code == item.code)).one() or 0
    faults = {
        "code": None if guide.code == item.code else f"应为 {item.code}",
        "version": None if guide.version == newest + 1 else f"应为 {newest + 1}，现行为第{newest}版",
        "owner": None if guide.owner == item.unit else f"应为事项的市级实施单位 {item.unit}",
        "published_on": "不能晚于今天" if guide.published_on is not None and guide.published_on > today else None,
        "result.certificate": "备案不得以证照办结"
        if item.power_kind is PowerKind.FILING and guide.result.certificate
        else None,
        "certificate": "备案不产生也不处分证照"
        if item.power_kind is PowerKind.FILING and guide.certificate is not None
        else None,
        "certificate.of": _unknown_items(session, guide),
    }
    return [FieldProblem(f"file.{name}", fault) for name, fault in faults.items() if fault]


def _unknown_items(session: Session, guide: Guide) -> str | None:
    named = guide.certificate.of if guide.certificate is not None else ()
    known = set(session.exec(select(ItemVersion.code).where(col(ItemVersion.code).in_(named))).all())
    unknown = [code for code in named if code not in known]
    return f"没有这个事项：{'、'.join(unknown)}" if unknown else None


def _first(item: ItemVersion) -> Guide:
    """Return what a new item's guide begins with: nothing invented, what the city must supply marked so."""
    county = item.mode is Mode.DIRECT
    organ = "所在县（市、区）人民政府" if county else "赣州市人民政府"
    unknown = Measure(before=None, after=None)
    steps: list[dict[str, Any]] = [{"name": name, "actor": actor} for name, actor in STEPS[item.mode]]
    return Guide(
        code=item.code,
        version=1,
        owner=item.unit,
        published_on=None,
        conditions=(),
        materials=(Material(name="申请书", required=True, copies=1, kind=MaterialKind.ORIGINAL, assumed=True),),
        steps=tuple(Step(**step) for step in [*steps, {"name": "制发与送达", "actor": "县级综合受理窗口"}]),
        fees=Statement(text=PENDING, pending=True),
        basis=Statement(text=PENDING, pending=True),
        result=Result(name="办理结果通知书", certificate=False, effect=CertificateEffect.NONE, assumed=True),
        certificate_kind=CertificateKind.NONE,
        redress=Redress(
            organ=organ,
            reconsideration_days=60,
            litigation_months=6,
            text=f"对决定不服的，可自知道该决定之日起六十日内向{organ}申请行政复议，"
            "或者六个月内向有管辖权的人民法院提起行政诉讼",
        ),
        baseline=Baseline(materials=unknown, steps=unknown, limit=unknown),
        on_site_check=False,
    )
