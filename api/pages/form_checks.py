"""The form check (形式审查) as pages show it: the latest round, what fails first."""

from dataclasses import dataclass

from services.casefile.views import CaseView, FindingView


@dataclass(frozen=True)
class FormCheck:
    """The findings of one round."""

    round: int
    findings: list[FindingView]

    @property
    def failed(self) -> list[FindingView]:
        """Return what does not conform."""
        return [one for one in self.findings if not one.passed]

    @property
    def ordered(self) -> list[FindingView]:
        """Return every finding, the failed ones first."""
        return sorted(self.findings, key=lambda one: one.passed)


def latest(case: CaseView) -> FormCheck:
    """Return the latest round: after a supplement the first round's faults no longer count."""
    newest = max((one.round for one in case.form_check), default=0)
    return FormCheck(newest, [one for one in case.form_check if one.round == newest])
