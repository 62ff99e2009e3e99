"""The figures of the mutation test: what counts as noticed, and that what was not reached is told."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import mutants
from settings import PROJECT_ROOT

MODULE = "models/form.py"


def test_the_modules_that_hold_rules_exist() -> None:
    assert [module for module in mutants.MODULES if not (PROJECT_ROOT / module).is_file()] == []


def test_a_mutant_is_noticed_by_a_failing_test_or_by_never_coming_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "WORK", tmp_path)
    path = tmp_path / f"{MODULE}.meta"
    path.parent.mkdir()
    codes = {"killed": 1, "survivor": 0, "endless": -24, "untested": 33, "waiting": None, "interrupted": 2}
    path.write_text(json.dumps({"exit_code_by_key": codes}))
    outcome = mutants.outcome_of(MODULE)
    assert outcome.survivors == ["survivor"]
    assert outcome.row() == (MODULE, "6", "3", "2", "1", "1", "67%")
    told = mutants.section([outcome, mutants.Outcome("models/identity.py")], datetime.now(UTC), 20, [1.0, 2.0])
    assert f"for want of time: {MODULE}, models/identity.py." in told


def test_the_pattern_fits_functions_and_methods_of_the_module_alone() -> None:
    assert mutants.names_in("services/accounts/rights.py") == "services.accounts.rights.x*"
