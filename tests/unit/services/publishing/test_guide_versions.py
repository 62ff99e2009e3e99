"""Guides published by file: whose they are, what a bad file changes (nothing), and which version counts for whom."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import yaml
from sqlmodel import Session, select

from catalog_data.guide import Guide
from catalog_data.guide_files import MOST_VALUES
from catalog_data.loader import load_catalogue
from models.catalogue import GuideVersion, ItemVersion, Mode, PowerKind
from models.working_calendar import china_date
from services.accounts.actors import Actor
from services.catalogue import in_force, reference
from services.catalogue.seeding import seed_catalogue
from services.clock import product_now
from services.errors import Forbidden, InvalidInput, NotFound
from services.powers import ledger
from services.publishing import guide_versions
from tests.databases import Databases, new

NEW = "S-46"


def actor(name: str) -> Actor:
    """Return an account named like its one group."""
    return Actor(name, name, frozenset({name}))


BOSS = actor("city.coordinator")


@pytest.fixture
def session(databases: Databases) -> Iterator[Session]:
    """Yield a session over a seeded database, with one item a later list brought."""
    with new(databases, seeded=True) as database, database.transaction() as opened:
        opened.add(
            ItemVersion(
                code=NEW,
                version=1,
                mode=Mode.SUBSTANTIVE,
                row=46,
                unit="zrzy",
                main_name="新增事项",
                power_type="行政许可",
                power_kind=PowerKind.LICENSE,
                areas=["rongjiang"],
            )
        )
        opened.flush()
        yield opened


def edited(session: Session, item: str, **changes: object) -> bytes:
    """Return the file a guide's next version begins with, changed."""
    body = yaml.safe_load(guide_versions.file_to_edit(session, item)) | changes
    return yaml.safe_dump(body, allow_unicode=True).encode()


def publish(session: Session, who: Actor, code: str, content: bytes) -> Guide:
    """Publish a file as routes do."""
    return guide_versions.publish(session, who, code, guide_versions.parse(content))


def versions(session: Session, code: str) -> list[int]:
    """Return the versions there are of an item's guide."""
    return sorted(session.exec(select(GuideVersion.version).where(GuideVersion.code == code)).all())


def problems(session: Session, code: str, content: bytes) -> dict[str, str]:
    """Return what is wrong with a file, which must change nothing."""
    before = versions(session, code)
    with pytest.raises(InvalidInput) as caught:
        publish(session, BOSS, code, content)
    assert versions(session, code) == before
    return {one.field: one.message for one in caught.value.problems}


def test_a_new_item_gets_its_first_guide_from_the_file_its_mode_prescribes(session: Session) -> None:
    assert in_force.latest_guide(session, NEW) is None
    text = guide_versions.file_to_edit(session, NEW)
    guide = publish(session, actor("city.zrzy.approver"), NEW, text.encode())
    assert (guide.version, guide.owner, guide.published_on) == (1, "zrzy", china_date(product_now(session)))
    assert [step.name for step in guide.steps][1:3] == ["实质性审核", "审核转报"]
    assert guide.limits is None
    assert in_force.latest_guide(session, NEW) == guide
    (event,) = [
        one for one in ledger.page(session, actor("city.coordinator"), limit=5).items if one.event == "guide.published"
    ]
    assert NEW in event.text


def test_a_new_version_counts_from_now_on_and_the_old_one_stays_for_the_cases_that_have_it(session: Session) -> None:
    old = in_force.latest_guide(session, "S-22")
    assert old is not None
    published = publish(session, BOSS, "S-22", edited(session, "S-22", on_site_check=False))
    assert published.version == old.version + 1
    assert in_force.latest_guide(session, "S-22") == published
    kept = reference.guide(session, "S-22", old.version)
    assert kept is not None
    assert kept.on_site_check
    assert guide_versions.version_of(session, "S-22", old.version).body["on_site_check"]


@pytest.mark.parametrize("code", ["D-01", "S-27", "W-28", "W-40"])
def test_every_guides_own_file_can_be_published_again(session: Session, code: str) -> None:
    before = in_force.latest_guide(session, code)
    assert before is not None
    after = publish(session, BOSS, code, guide_versions.file_to_edit(session, code).encode())
    same = {"version": before.version, "published_on": before.published_on}
    assert after.model_copy(update=same) == before


def test_a_seeding_leaves_a_published_guide_alone(session: Session) -> None:
    published = publish(session, BOSS, "S-22", edited(session, "S-22", on_site_check=False))
    seed_catalogue(session, load_catalogue())
    assert in_force.latest_guide(session, "S-22") == published


def test_a_file_that_does_not_fit_its_item_is_refused_by_field(session: Session) -> None:
    tomorrow = china_date(product_now(session)) + timedelta(days=1)
    found = problems(
        session, "S-22", edited(session, "S-22", code="S-23", version=1, owner="xzsp", published_on=tomorrow)
    )
    assert sorted(found) == ["file.code", "file.owner", "file.published_on", "file.version"]
    assert "应为 2" in found["file.version"]


def test_a_filing_may_not_end_in_a_certificate(session: Session) -> None:
    result = {"name": "证", "certificate": True, "effect": "issue"}
    found = problems(session, "D-01", edited(session, "D-01", result=result, certificate_kind="licence"))
    assert found == {"file.result.certificate": "备案不得以证照办结"}


def test_a_guide_may_act_only_on_certificates_of_items_there_are(session: Session) -> None:
    rule = {"action": "cancel", "of": ["W-25", "W-98", "W-99"]}
    assert problems(session, "W-30", edited(session, "W-30", certificate=rule)) == {
        "file.certificate.of": "没有这个事项：W-98、W-99"
    }


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "file.1"),
        (b"[1, 2", "file"),
        (b"- 1\n", "file.1"),
        (b"\xff\xfe", "file.1"),
        (b"code: S-22\ncode: S-23\n", "file.2.code"),
        (b"[" * guide_versions.LARGEST_FILE, "file"),
        (b"steps: &a [1]\nfees: *a\n", "file.1"),
        (b"steps:\n" + b"".join(b"- &a%d x\n" % n for n in range(13_000)), "file.2"),
        (b"- 1\n" * (MOST_VALUES + 1), f"file.{MOST_VALUES}"),
        (b"x" * (guide_versions.LARGEST_FILE + 1), "file"),
    ],
)
def test_what_is_no_guide_is_refused_and_changes_nothing(session: Session, content: bytes, field: str) -> None:
    assert any(one.startswith(field) for one in problems(session, "S-22", content))


def test_a_fault_inside_is_named_by_line_and_field(session: Session) -> None:
    text = guide_versions.file_to_edit(session, "S-22").replace("copies: 1", "copies: 0", 1)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "copies: 0" in one)
    assert list(problems(session, "S-22", text.encode())) == [f"file.{line}.materials[0].copies"]


@pytest.mark.parametrize("who", ["rongjiang.approver", "city.xzsp.approver", "city.zrzy.reviewer", "admin.system"])
def test_only_the_owner_or_the_coordinator_publishes(session: Session, who: str) -> None:
    with pytest.raises(Forbidden):
        publish(session, actor(who), "S-22", edited(session, "S-22"))


def test_an_item_nobody_listed_has_no_guide(session: Session) -> None:
    with pytest.raises(NotFound):
        publish(session, BOSS, "S-99", edited(session, "S-22"))
    with pytest.raises(NotFound):
        guide_versions.version_of(session, "S-22", 9)
