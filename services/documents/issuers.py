"""Who issues each kind of paper of a case: ``catalog_data/paper_organs.csv`` applied to where the case stands.

The organ whose name a paper bears is the respondent (行政诉讼法司法解释 art. 19), and its own government reconsiders
(行政复议法 art. 24): for a county's department the county's, for a branch of a city bureau the city's or the county's,
in a zone, which has no government, the city's.
"""

from typing import Final

from catalog_data.paper_organs import KeptAt, PaperOrgan, PaperRule, Standing, read_rules
from models.case import Case
from models.catalogue import Area, AreaKind, CountyUnit, Government
from models.document import DocumentKind
from papers.facts import Issuer
from papers.wording import DECISIONS
from services.catalogue import reference

CITY_GOVERNMENT: Final = f"{reference.CITY}人民政府"
DECISION_KINDS: Final = frozenset({*(words.kind for words in DECISIONS.values()), DocumentKind.CERTIFICATE})
"""What bears the seal that the item itself names, where it names one."""


def of_case(
    case: Case, area: Area | None, unit: CountyUnit | None, county_organ: str, city_organ: str, item_seal: str
) -> dict[DocumentKind, Issuer]:
    """Return the issuer of every kind of paper, as the case stands now; ``item_seal`` is the item's own, or empty."""
    standing = Standing.RECALLED if case.taken_over_at is not None else Standing(case.mode)
    place = area.name if area is not None else case.area

    def issuer(rule: PaperRule, kind: DocumentKind) -> Issuer:
        by_county = rule.organ is PaperOrgan.COUNTY or (rule.organ is PaperOrgan.STAGE and case.level == 0)
        organ = county_organ if by_county else city_organ
        lent = not by_county and rule.kept_at is KeptAt.WINDOW
        seal = rule.seal
        if kind in DECISION_KINDS and item_seal and standing is not Standing.RECALLED:
            seal = item_seal
        return Issuer(
            organ=organ,
            seal=f"{'' if organ in seal else organ}{seal}{f'（{place}）' if lent else ''}",
            series=f"{organ}驻{place}窗口" if lent else organ,
            signer=rule.signer,
            reconsidered_by=_county_governments(area, unit) if by_county else (CITY_GOVERNMENT,),
        )

    return {kind: issuer(rule, kind) for rule in read_rules() if rule.standing is standing for kind in rule.papers}


def _county_governments(area: Area | None, unit: CountyUnit | None) -> tuple[str, ...]:
    if area is None or area.kind is AreaKind.ZONE:
        return (CITY_GOVERNMENT,)
    own = f"{area.name}人民政府"
    return (CITY_GOVERNMENT, own) if unit is not None and unit.belongs_to is Government.CITY else (own,)
