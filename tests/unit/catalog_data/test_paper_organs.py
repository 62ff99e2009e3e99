"""The table of who signs what names one organ, seal and signer for every paper of every standing."""

from pathlib import Path

import pytest

from catalog_data.paper_organs import FILE, ROOT, Standing, read_rules
from catalog_data.problems import CatalogueError
from models.document import DocumentKind


@pytest.mark.parametrize("standing", list(Standing))
def test_every_paper_has_one_line(standing: Standing) -> None:
    named = [kind for rule in read_rules() if rule.standing is standing for kind in rule.papers]
    expected = set(DocumentKind)
    if standing is not Standing.SUBSTANTIVE:
        expected.discard(DocumentKind.DOSSIER)
    assert len(named) == len(set(named))
    assert set(named) == expected


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",延期通知书 ", ",延期通知 ", "papers"),
        (",city,", ",province,", "organ"),
        ("市级审批专用章", "市级审批", "seal"),
        (",延期通知书 ", ",延期通知书 送达回证 ", "写了2次"),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (ROOT / FILE).read_text(encoding="utf-8")
    (tmp_path / FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=told):
        read_rules(tmp_path)
