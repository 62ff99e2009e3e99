"""Names shared by the BPMN models, the workers and the services: the protocol between product and processes.

A test compares them with ``bpmn/``: every job type has one worker, every message a sender.
"""

from enum import StrEnum
from typing import Final


class Message(StrEnum):
    """Message names; each is published with the correlation key named beside it."""

    CASE_SUBMITTED_WINDOW = "case-submitted-window"  # case number
    CASE_SUBMITTED_DIRECT = "case-submitted-direct"  # case number
    CASE_SUBMITTED_SUBSTANTIVE = "case-submitted-substantive"  # case number
    CASE_WITHDRAWN = "case-withdrawn"  # case number
    MATERIALS_SUPPLIED = "materials-supplied"  # case number
    DEADLINE_CHANGED = "deadline-changed"  # case number
    RECEIPT_BEGUN = "receipt-begun"  # case number
    RECEIPT_CLOSED = "receipt-closed"  # case number
    ACCEPTANCE_OVERDUE = "acceptance-overdue"  # case number
    SUPPLEMENT_OVERDUE = "supplement-overdue"  # case number
    SPECIAL_PROCEDURE_STARTED = "special-procedure-started"  # case number
    SPECIAL_PROCEDURE_REPLANNED = "special-procedure-replanned"  # special procedure id
    SPECIAL_PROCEDURE_ENDED = "special-procedure-ended"  # special procedure id
    APPROVAL_PUSHED = "approval-pushed"  # case number
    PUSH_CLAIMED = "push-claimed"  # push id
    FEEDBACK_GIVEN = "feedback-given"  # feedback id
    FEEDBACK_ANSWERED = "feedback-answered"  # feedback id
    POLICY_NOTICE_ISSUED = "policy-notice-issued"  # notice id
    POLICY_NOTICE_ACKNOWLEDGED = "policy-notice-acknowledged"  # notice id
    CASE_RECALLED = "case-recalled"  # case number
    AGREEMENT_DRAFTED = "agreement-drafted"  # agreement id
    AGREEMENT_CONCLUDED = "agreement-concluded"  # agreement id
    AGREEMENT_SUSPENDED = "agreement-suspended"  # agreement id
    AGREEMENT_RESUMED = "agreement-resumed"  # agreement id
    AGREEMENT_ENDED = "agreement-ended"  # agreement id
    DECISION_FILED = "decision-filed"  # case number
    FILING_ACKNOWLEDGED = "filing-acknowledged"  # case number
    FILING_QUESTIONED = "filing-questioned"  # case number
    FILING_ANSWERED = "filing-answered"  # case number
    RECALL_PROPOSED = "recall-proposed"  # recall id
    RECALL_ORDERED = "recall-ordered"  # recall id
    RECALL_STATED = "recall-stated"  # recall id
    RECALL_DECIDED = "recall-decided"  # recall id
    RECALL_DROPPED = "recall-dropped"  # recall id
    RECALL_RESTORED = "recall-restored"  # recall id
    UNIT_TRANSFER_DECIDED = "unit-transfer-decided"  # unit transfer id
    UNIT_TRANSFER_REVOKED = "unit-transfer-revoked"  # unit transfer id


class Process(StrEnum):
    """Ids of the processes the product has to know; the others are named in the models only."""

    FRONT_WINDOW = "front-window"
    DIRECT_DEVOLUTION = "direct-devolution"
    SUBSTANTIVE_REVIEW = "substantive-review"
    CITY_TAKEOVER = "city-takeover"
    DELEGATION_RECALL = "delegation-recall"
    UNIT_TRANSFER = "unit-transfer"


class Element(StrEnum):
    """Ids of user tasks that services look for: what was answered there is read again later."""

    ACCEPTANCE = "Task_DecideAcceptance"
    ACCEPTANCE_AFTER_CORRECTION = "Task_DecideAfterCorrection"
    ASSIGN_TO_UNIT = "Task_AssignToUnit"
    ON_SITE_CHECK = "Task_InspectOnSite"
    COUNTY_REVIEW = "Task_CountyReview"
    SIGN_DOSSIER = "Task_SignDossier"
    DOSSIER_RECEIPT = "Task_ConfirmDossier"
    CITY_REVIEW = "Task_CityReview"
    CITY_CONSENT = "Task_CityConsent"
    DELIVERY = "Task_Deliver"


class JobType(StrEnum):
    """Job types, one worker each."""

    CASE_START = "case-start"
    CASE_CLOSE = "case-close"
    CASE_WITHDRAW = "case-withdraw"
    ACCEPTANCE_CHECK = "acceptance-check"
    ACCEPTANCE_RECHECK = "acceptance-recheck"
    ACCEPTANCE_ACCEPT = "acceptance-accept"
    ACCEPTANCE_DEEM = "acceptance-deem"
    ACCEPTANCE_REQUEST_CORRECTION = "acceptance-request-correction"
    ACCEPTANCE_REFUSE = "acceptance-refuse"
    ACCEPTANCE_NOT_NEEDED = "acceptance-not-needed"
    ACCEPTANCE_LAPSE = "acceptance-lapse"
    PUSH_TO_CITY = "push-to-city"
    DEADLINE_PLAN = "deadline-plan"
    DEADLINE_SIGNAL = "deadline-signal"
    DECISION_RECORD = "decision-record"
    ISSUE_DECISION = "issue-decision"
    ISSUE_CERTIFICATE = "issue-certificate"
    DELIVERY_RECORD = "delivery-record"
    DOSSIER_BUILD = "dossier-build"
    DOSSIER_RECEIVE = "dossier-receive"
    DOSSIER_RETURN = "dossier-return"
    SPECIAL_PROCEDURE_BEGIN = "special-procedure-begin"
    SPECIAL_PROCEDURE_END = "special-procedure-end"
    SPECIAL_PROCEDURE_REMIND = "special-procedure-remind"
    PUSH_REMIND = "push-remind"
    PUSH_ESCALATE = "push-escalate"
    FEEDBACK_ANSWER = "feedback-answer"
    FEEDBACK_REMIND = "feedback-remind"
    POLICY_NOTIFY = "policy-notify"
    POLICY_REMIND = "policy-remind"
    POLICY_ESCALATE = "policy-escalate"
    CASE_TRANSFER = "case-transfer"
    AGREEMENT_ENTER_FORCE = "agreement-enter-force"
    FILING_PLAN = "filing-plan"
    FILING_REMIND = "filing-remind"
    FILING_ANSWER_REMIND = "filing-answer-remind"
    RECALL_HEARING_LAPSE = "recall-hearing-lapse"
    RECALL_TAKE_EFFECT = "recall-take-effect"
    UNIT_TRANSFER_TAKE_EFFECT = "unit-transfer-take-effect"


CASE_ID: Final = "caseId"
"""The variable that names the case in every process."""

REVIEW_UNIT: Final = "reviewUnit"
"""The variable that names the county unit a case is passed on to (转办), or null."""

OUTCOME: Final = "outcome"
"""The variable a user task completes with, and the radio field of its form."""

START_TTL_MS: Final = 60_000
"""How long a start message is kept; short, for a second one would start another instance later."""

CONTROL_TTL_MS: Final = 365 * 24 * 3_600_000
"""How long a control message (withdrawal, supplement, deadline change) waits for its catcher."""
