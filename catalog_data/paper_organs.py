"""Who signs what (文书署名): in whose name a paper goes out, under which seal and by whose hand, one table for all.

By ``standing`` — the mode of delegation, or ``recalled`` once the city has taken a case over — and kind of paper. The
way of redress is not in the table: it follows from the organ whose name the paper bears, who is the respondent
(行政诉讼法司法解释 art. 19), so that the two cannot disagree.
"""

from collections import Counter
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from catalog_data.problems import CatalogueError, Problem
from catalog_data.tables import read_table
from models.document import DocumentKind

FILE: Final = "paper_organs.csv"
ROOT: Final = Path(__file__).parent


class Standing(StrEnum):
    """How a case stands: by the mode it was accepted under, or taken over by the city since (收回权限)."""

    DIRECT = "direct"
    SUBSTANTIVE = "substantive"
    WINDOW = "window"
    RECALLED = "recalled"


class PaperOrgan(StrEnum):
    """Whose name a paper bears; ``STAGE``: of whoever has the case when it is issued."""

    COUNTY = "county"
    CITY = "city"
    STAGE = "stage"


class KeptAt(StrEnum):
    """Where the seal is kept: at the county's window, or with the organ itself."""

    WINDOW = "window"
    UNIT = "unit"


class Signer(StrEnum):
    """The post that signs for the organ."""

    WINDOW = "window"
    REVIEWER = "reviewer"
    CHIEF = "chief"
    APPROVER = "approver"


def _kinds(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


class PaperRule(BaseModel):
    """One line of the table; ``seal`` is the kind of seal, which the organ's name precedes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    standing: Standing
    papers: Annotated[tuple[DocumentKind, ...], BeforeValidator(_kinds), Field(min_length=1)]
    organ: PaperOrgan
    seal: Annotated[str, Field(pattern=r"^[^\s=+@-][^\s]{0,20}章$")]
    kept_at: KeptAt
    signer: Signer
    note: Annotated[str, Field(min_length=1)]


@lru_cache(maxsize=8)
def read_rules(root: Path = ROOT) -> tuple[PaperRule, ...]:
    """Return the table's lines; raise ``CatalogueError`` for what cannot be read, or where two lines say the same."""
    rows, problems = read_table(root, FILE, PaperRule)
    rules = tuple(row.value for row in rows)
    counted = Counter((rule.standing, kind) for rule in rules for kind in rule.papers)
    problems += [
        Problem(FILE, 0, "papers", f"{standing} 的{kind}写了{times}次")
        for (standing, kind), times in counted.items()
        if times > 1
    ]
    if problems:
        raise CatalogueError(problems)
    return rules
