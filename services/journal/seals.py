"""Seals: the content of papers, outcomes, decisions and files in the audit chain, and the rows that no longer fit it.

Whoever writes such a row seals it. The digests of one transaction are written together, as one entry a case, when it
commits: a row is digested as it is stored, and a transaction costs one entry more, however much it wrote.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import String, cast
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, col, select

from models.audit import AuditEntry
from models.case import Case
from services import keys
from services.clock import product_now
from services.journal import audit
from services.journal.at_commit import AtCommit
from services.journal.sealed import KIND_NAMED, KIND_OF, KINDS, Kind, Seal

ACTION: Final = "content.seal"
ANCHOR: Final = "chain.anchor"
ANCHOR_SUBJECT: Final = "chain"
ACTOR: Final = "system"
_BATCH: Final = 50
"""Subjects verified at a time; their papers are in memory together."""

UNREADABLE: Final = (SQLAlchemyError, ValueError, LookupError)
"""What reading a row with an invalid text, JSON or enumeration value raises."""

Recorded = dict[str, dict[str, Seal]]
"""The seals of a subject's rows by name and part."""

Owners = tuple[Sequence[Kind], str, Sequence[str]]
"""Some owners of rows, the kinds of these, and the prefix of the chain's subjects before the owners' keys."""


@dataclass(frozen=True)
class Difference:
    """A row whose content differs from what the chain records, and in which part."""

    table: str
    key: str
    reason: str


def seal(session: Session, row: SQLModel, *parts: str) -> None:
    """Record a row's parts (by default all) in the chain when the transaction commits."""
    _sealings.add(session, (KIND_OF[type(row)], row, parts))


def find_first_digest(session: Session, row: SQLModel, part: str) -> str | None:
    """Return the digest under which a row's part was sealed first, or None for one that never was.

    For what never changes: a later seal, which whoever writes to the database could append, does not count.
    """
    kind = KIND_OF[type(row)]
    for _, rows in _seals(session, [kind.subject_of(row)]):
        if (sealed := rows.get(kind.name_of(row), {}).get(part)) is not None:
            return sealed.digest
    return None


def anchor(session: Session) -> bool:
    """Seal everything written before there were seals, once, and tell whether it was done now.

    From then on a row without a seal is one that was written outside the product.
    """
    if is_anchored(session):
        return False
    cases = 0
    for numbers in _batches(session.exec(select(Case.case_no).order_by(Case.case_no)).all()):
        cases += len(numbers)
        for rows in _rows(session, [kind for kind in KINDS if not kind.subject], numbers).values():
            _append(session, rows)
        audit.write_now(session)
    for kind in KINDS:
        if kind.subject:
            for row in session.exec(select(kind.model)):
                _append(session, [(kind, row, ())])
    audit.append(session, ACTOR, ANCHOR, ANCHOR_SUBJECT, {"cases": cases}, product_now(session))
    return True


def is_anchored(session: Session) -> bool:
    """Tell whether the chain has vouched for content at some time."""
    query = select(AuditEntry.id).where(AuditEntry.subject == ANCHOR_SUBJECT, AuditEntry.action == ANCHOR)
    return session.exec(query.limit(1)).first() is not None


def verify(session: Session) -> Iterator[Difference]:
    """Yield every row that differs from the chain: changed, missing, or never sealed; in reading order of cases."""
    for kinds, prefix, owners in owners_in_batches(session):
        yield from _verify_owners(session, kinds, prefix, owners)
        session.expunge_all()


def owners_in_batches(session: Session) -> Iterator[Owners]:
    """Yield everything that has rows, or seals of rows, in batches and in reading order."""
    for prefix in sorted({kind.subject for kind in KINDS}):
        kinds = [kind for kind in KINDS if kind.subject == prefix]
        for owners in _batches(sorted(_owners(session, kinds, prefix))):
            yield kinds, prefix, owners


def reseal(session: Session, kinds: Sequence[Kind], prefix: str, owners: Sequence[str]) -> int:
    """Seal the rows of some owners anew whose seals are under a former data key and fit; return how many rows."""
    present, key_id = _rows(session, kinds, owners, lock=True), keys.data_key_id()
    told = _recorded(session, [f"{prefix}{owner}" for owner in owners])
    resealed = 0
    for owner in owners:
        known = told.get(f"{prefix}{owner}", {})
        for kind, row, _ in present.get(owner, []):
            former = {part: one for part, one in known.get(kind.name_of(row), {}).items() if one.key_id != key_id}
            # What is digested without a key does not change with it.
            outdated = [
                part
                for part, one in former.items()
                if kind.fits(row, part, one) and kind.digests(row, part)[part] != one.digest
            ]
            if outdated:
                seal(session, row, *outdated)
                resealed += 1
    return resealed


def _verify_owners(session: Session, kinds: Sequence[Kind], prefix: str, owners: Sequence[str]) -> Iterator[Difference]:
    """Yield the differences of some owners; an unreadable row is located by checking one owner after the other."""
    told = _recorded(session, [f"{prefix}{owner}" for owner in owners])
    try:
        present = _rows(session, kinds, owners)
    except UNREADABLE:
        session.rollback()
        if len(owners) == 1 and len(kinds) == 1:
            yield Difference(kinds[0].table, owners[0], f"{kinds[0].label}的内容无法读出")
            return
        narrower = [([kind], owners) for kind in kinds] if len(owners) == 1 else [(kinds, [one]) for one in owners]
        for some_kinds, some_owners in narrower:
            yield from _verify_owners(session, some_kinds, prefix, some_owners)
        return
    tables = {kind.table for kind in kinds}
    for owner in owners:
        known = told.get(f"{prefix}{owner}", {})
        yield from _compare(
            present.get(owner, []), {name: one for name, one in known.items() if name.partition(":")[0] in tables}
        )


def _compare(rows: Iterable["_Sealing"], told: Recorded) -> Iterator[Difference]:
    left = dict(told)
    for kind, row, _ in rows:
        name = kind.name_of(row)
        key = name.partition(":")[2]
        known = left.pop(name, None)
        if known is None:
            yield Difference(kind.table, key, f"{kind.label}在审计链中没有记录")
            continue
        changed = [part for part, one in known.items() if not kind.fits(row, part, one)]
        if changed:
            yield Difference(kind.table, key, f"{kind.label}的内容与审计链不符（{'、'.join(changed)}）")
    for name in left:
        table, _, key = name.partition(":")
        yield Difference(table, key, f"{KIND_NAMED[table].label}已不存在")


_Sealing = tuple[Kind, SQLModel, tuple[str, ...]]


def _owners(session: Session, kinds: Sequence[Kind], prefix: str) -> set[str]:
    """Return the keys of everything that has rows, or seals of rows, under a prefix."""
    subjects = session.exec(select(AuditEntry.subject).where(AuditEntry.action == ACTION).distinct()).all()
    others = [kind.subject for kind in KINDS if kind.subject and kind.subject != prefix]
    sealed = {
        one.removeprefix(prefix)
        for one in subjects
        if one.startswith(prefix) and not any(one.startswith(other) for other in others)
    }
    for kind in kinds:
        sealed |= {str(one) for one in session.exec(select(getattr(kind.model, kind.owner)).distinct())}
    return sealed


def _rows(
    session: Session, kinds: Sequence[Kind], owners: Sequence[str], *, lock: bool = False
) -> dict[str, list[_Sealing]]:
    found: dict[str, list[_Sealing]] = {}
    for kind in kinds:
        owner = getattr(kind.model, kind.owner)
        named = cast(owner, String) if kind.subject else owner
        query = select(kind.model).where(named.in_(owners))
        for row in session.exec(query.with_for_update(of=kind.model) if lock else query):
            found.setdefault(str(getattr(row, kind.owner)), []).append((kind, row, ()))
    return found


def _recorded(session: Session, subjects: Sequence[str]) -> dict[str, Recorded]:
    """Return what the chain records of some subjects, the latest seal of each part."""
    told: dict[str, Recorded] = {}
    for subject, rows in _seals(session, subjects):
        of_subject = told.setdefault(subject, {})
        for name, parts in rows.items():
            of_subject.setdefault(name, {}).update(parts)
    return told


def _seals(session: Session, subjects: Sequence[str]) -> Iterator[tuple[str, Recorded]]:
    """Yield the seals of some subjects, oldest first."""
    entries = session.exec(
        select(AuditEntry.subject, AuditEntry.detail)
        .where(col(AuditEntry.subject).in_(subjects), AuditEntry.action == ACTION)
        .order_by(col(AuditEntry.id))
    )
    for subject, detail in entries:
        key_id = str(detail.get("key", ""))
        yield (
            subject,
            {
                name: {part: Seal(digest, key_id) for part, digest in parts.items()}
                for name, parts in detail["rows"].items()
            },
        )


def _append(session: Session, sealings: Iterable[_Sealing]) -> None:
    """Append the digests of some rows, an entry a subject."""
    by_subject: dict[str, dict[str, dict[str, str]]] = {}
    for kind, row, parts in sealings:
        rows = by_subject.setdefault(kind.subject_of(row), {})
        rows.setdefault(kind.name_of(row), {}).update(kind.digests(row, *parts))
    for subject, rows in by_subject.items():
        detail: dict[str, Any] = {"key": keys.data_key_id(), "rows": rows}
        audit.append(session, ACTOR, ACTION, subject, detail, product_now(session))


def _write(session: Session, sealings: Sequence[_Sealing]) -> None:
    """Append the seals of rows that have just been written."""
    session.flush()
    _append(session, sealings)


def _batches(owners: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(owners), _BATCH):
        yield owners[start : start + _BATCH]


_sealings = AtCommit("rows to seal", _write)
