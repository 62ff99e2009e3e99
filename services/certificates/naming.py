"""The certificate a case is about: named at intake, of the right family, the applicant's own, and valid."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlmodel import Session, col, select

from catalog_data.certificate import CertificateRule
from models.case import Case, Verdict
from models.certificate import CertificateAction, CertificateState
from models.document import Certificate
from models.identity import masked_name
from models.working_calendar import china_date
from services.accounts import rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.documents import certificate_rules, certificates
from services.errors import Conflict, FieldProblem, InvalidInput

RENEWAL_NOTICE: Final = timedelta(days=30)
"""How long before its last day a licence's renewal is to be asked for (行政许可法 art. 50)."""


class CertificateRequired(InvalidInput):
    """The item changes, renews, replaces or cancels a certificate, and none is named."""

    code, title, title_en = "certificate_required", "请填写证照编号", "Name the certificate"


class CertificateNotValid(Conflict):
    """The named certificate is unknown, of another family, somebody else's, or not valid any more."""

    code, title, title_en = (
        "certificate_not_valid",
        "该证照不能办理本事项",
        "The certificate cannot be used here",
    )


@dataclass(frozen=True)
class FoundCertificate:
    """What a window is shown of a certificate by its number; ``fault`` is why the item cannot act on it."""

    name: str
    holder: str
    state_name: str
    valid_until: date | None
    fault: str
    renewal: str


@dataclass(frozen=True)
class Renewal:
    """By which day a renewal was to be asked for, and whether it was."""

    asked_until: date
    in_time: bool

    def text(self, until: date) -> str:
        """Return what the window tells the applicant."""
        if self.in_time:
            return f"证照有效期至{until}，延续申请在届满三十日前提出；届满前未作出决定的，视为准予延续"
        return (
            f"证照有效期至{until}，延续申请应于{self.asked_until}前提出，本次提出已不足三十日；"
            "届满前未作出决定的，不视为准予延续，届满后不得继续从事许可事项"
        )


def require_named(rule: CertificateRule | None, number: str | None) -> None:
    """Raise ``CertificateRequired`` where the item acts on a certificate and none is named."""
    if rule is not None and rule.action.needs_certificate and not number:
        message = f"本事项办理证照{rule.action.label}，请填写原证照编号"
        raise CertificateRequired([FieldProblem("certificate_number", message)])


def lock_usable(session: Session, rule: CertificateRule | None, case: Case) -> Certificate | None:
    """Return the certificate a new case names, locked; raise ``CertificateNotValid`` where it cannot be acted on.

    None for a case that names none. An expired one can still be cancelled (行政许可法 art. 70(1)), nothing else.
    """
    number = case.certificate_number
    if rule is None or number is None:
        return None
    certificate = session.get(Certificate, number, with_for_update=True)
    if certificate is None:
        raise CertificateNotValid(f"没有编号为{number}的证照")
    _require_family(rule, certificate)
    if session.get_one(Case, certificate.case_no).applicant_digest != case.applicant_digest:
        raise CertificateNotValid("证照的持证人不是本申请人")
    require_state(session, rule.action, certificate)
    _require_free(session, number, case.case_no)
    return certificate


def look_up(session: Session, actor: Actor, item: str, number: str) -> FoundCertificate | None:
    """Return a certificate that an applicant brings to a window, its holder masked; None when there is none.

    Raises:
        Forbidden: the account works at no window.
    """
    rights.require_window_account(actor)
    guide = in_force.latest_guide(session, item)
    certificate = certificates.find(session, number)
    if certificate is None or guide is None or guide.certificate is None:
        return None
    rule, today = guide.certificate, china_date(product_now(session))
    fault = ""
    try:
        _require_family(rule, certificate)
        require_state(session, rule.action, certificate)
        _require_free(session, certificate.number, None)
    except CertificateNotValid as refusal:
        fault = refusal.detail
    renewal = renewal_of(certificate, today) if rule.action is CertificateAction.RENEW and not fault else None
    until = certificate.valid_until
    person = certificates.held_by_person(session, certificate)
    return FoundCertificate(
        name=certificate.name,
        holder=masked_name(certificate.holder) if person else certificate.holder,
        state_name=certificates.state_of(session, certificate, today).label,
        valid_until=until,
        fault=fault,
        renewal=renewal.text(until) if renewal is not None and until is not None else "",
    )


def _require_family(rule: CertificateRule, certificate: Certificate) -> None:
    if certificate.item_code not in rule.of:
        raise CertificateNotValid(f"证照{certificate.number}（{certificate.name}）不属于本事项办理的证照")


def _require_free(session: Session, number: str, but: str | None) -> None:
    """Refuse a certificate that another open case is about: each would change what the other rests on."""
    other = session.exec(
        select(Case.case_no).where(Case.certificate_number == number, col(Case.is_open), Case.case_no != but)
    ).first()
    if other is not None:
        raise CertificateNotValid(f"该证照已有在办件{other}", case_no=other)


class DeemedRenewed(Conflict):
    """The renewal was asked for in time and not decided by the last day: it counts as granted (art. 50)."""

    code, title, title_en = "deemed_renewed", "视为准予延续，不能再作不予决定", "The renewal is deemed granted"


def require_still_usable(session: Session, case: Case, outcome: str) -> None:
    """Lock the certificate a case is about before the case is decided; a return changes nothing and is not asked here.

    Its revocation locks it too: whichever comes first counts.

    Raises:
        CertificateNotValid: it is to be approved, and the certificate has ended meanwhile.
        DeemedRenewed: it is to be denied, and by the last day nobody had decided.
    """
    rule = certificate_rules.find_rule(session, case)
    if rule is None or case.certificate_number is None:
        return
    certificate = session.get_one(Certificate, case.certificate_number, with_for_update=True, populate_existing=True)
    if outcome == Verdict.APPROVE:
        require_state(session, rule.action, certificate)
    elif certificates.is_deemed_renewed(session, certificate, china_date(product_now(session))):
        raise DeemedRenewed("证照有效期届满前未对按期提出的延续申请作出决定，依《行政许可法》第五十条视为准予延续")


def require_state(session: Session, action: CertificateAction, certificate: Certificate) -> None:
    """Raise ``CertificateNotValid`` unless the certificate's state allows the action today."""
    state = certificates.state_of(session, certificate, china_date(product_now(session)))
    allowed = {CertificateState.VALID}
    if action is CertificateAction.CANCEL:
        allowed.add(CertificateState.EXPIRED)
    if state not in allowed:
        raise CertificateNotValid(f"证照{certificate.number}{state.label}，不能办理{action.label}")


def renewal_of(certificate: Certificate, asked_on: date) -> Renewal | None:
    """Return whether a renewal asked for on a day is in time, None for a certificate without a last day."""
    if certificate.valid_until is None:
        return None
    asked_until = certificate.valid_until - RENEWAL_NOTICE
    return Renewal(asked_until, asked_on <= asked_until)
