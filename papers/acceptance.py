"""The papers of the window: receipt, acceptance, one correction notice, refusal to accept, no approval needed."""

from collections.abc import Sequence
from datetime import date, datetime

from models.document import DocumentKind
from papers.facts import CaseFacts, MaterialFact, Overruled
from papers.paper import Block, Fields, Labelled, Paper, Paragraph, SignOff, Table
from papers.wording import (
    POWER_NOUN,
    Redress,
    day_text,
    due_text,
    item_fields,
    legal_ground,
    limit_text,
    minute_text,
    owed_day_text,
    reasons,
)


def receipt(facts: CaseFacts, number: str, at: datetime, *, supplement: bool) -> Paper:
    """Compose the receipt for the materials (材料接收凭证): list, copies, receiver, time.

    ``supplement`` lists what came after a correction notice.
    """
    listed = [one for one in facts.materials if one.later == supplement]
    return _window_paper(
        facts,
        DocumentKind.RECEIPT,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{minute_text(at)}{'补充提交' if supplement else '提交'}的下列申请材料，本窗口已接收。"
                "本凭证只证明收到材料，不表示申请已经受理。"
            ),
            item_fields(facts, Labelled("接收人", facts.receiver), Labelled("接收时间", minute_text(at))),
            materials_table(listed, "收取情况"),
            SignOff("提交人（签名）"),
        ),
    )


def acceptance_notice(facts: CaseFacts, number: str, at: datetime, overruled: Overruled | None = None) -> Paper:
    """Compose the notice of acceptance (受理通知书): basis, dates, the day the decision is due, contact, receipt."""
    opening = (
        f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，经审查，属于本机关受理范围，"
        f"{_completeness(facts, overruled)}{legal_ground(facts, '第三十二条')}，"
        f"决定自{day_text(facts.accepted_at)}起予以受理。"
    )
    if facts.deemed_accepted:
        opening = (
            f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，因未在规定期限内一次性告知"
            f"需要补正的全部内容，{legal_ground(facts, '第三十二条第一款第（四）项')}，"
            f"自收到申请材料之日（{day_text(facts.accepted_at)}）起即为受理。"
        )
    promised = facts.limits.promised_due
    return _window_paper(
        facts,
        DocumentKind.ACCEPTANCE,
        number,
        at.date(),
        (
            Paragraph(opening),
            item_fields(
                facts,
                Labelled("联系电话", facts.applicant.phone),
                Labelled("申请日期", day_text(facts.received_at)),
                Labelled("受理日期", day_text(facts.accepted_at)),
                Labelled("审批机关", facts.deciding_organ),
                Labelled("办件类型", facts.limits.handling),
                Labelled("办理时限", limit_text(facts)),
                Labelled("决定期限至", due_text(facts)),
                *(
                    (Labelled("承诺办结日", owed_day_text(promised, facts.limits.promised_provisional)),)
                    if promised is not None
                    else ()
                ),
                Labelled("实施依据", facts.basis),
                Labelled("收费", facts.fees),
            ),
            *_owed(facts),
            *_overruled(overruled),
            Paragraph(_outside_the_clock(facts)),
            SignOff("申请人（签收）"),
        ),
    )


def correction_notice(
    facts: CaseFacts,
    number: str,
    at: datetime,
    missing: list[str],
    opinion: str,
    due: date | None,
    provisional: bool = False,
) -> Paper:
    """Compose the one notice of everything that is missing (一次性补正告知书, art. 32(1)(4))."""
    rows = tuple((str(place), text) for place, text in enumerate(missing, start=1))
    listed = Table(("序号", "需要补正的内容"), (0.11, 0.89), rows, caption="需要补正的全部内容如下：")
    notes = (Paragraph("补正说明", heading=True), *reasons(opinion)) if opinion.strip() else ()
    return _window_paper(
        facts,
        DocumentKind.CORRECTION,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，经审查，申请材料不齐全或者"
                f"不符合法定形式。{legal_ground(facts, '第三十二条第一款第（四）项')}，"
                "现将需要补正的全部内容一次性告知。"
            ),
            listed,
            *notes,
            Paragraph(
                f"请于{owed_day_text(due, provisional)}前向本窗口提交补正材料。补正材料齐全、符合法定形式的，予以受理；"
                "除本告知书所列内容外，不再要求补正其他材料。逾期未补正的，按照本市“市县同权”办理规则作撤回申请处理，可以重新提出申请。"
            ),
            Fields(
                (
                    Labelled("事项名称", facts.item_name),
                    Labelled("项目名称", facts.project_text),
                    Labelled("申请日期", day_text(facts.received_at)),
                    Labelled("补正期限至", owed_day_text(due, provisional)),
                )
            ),
            SignOff("申请人（签收）"),
        ),
    )


def refusal_to_accept(facts: CaseFacts, number: str, at: datetime, reason: str, redress: Redress) -> Paper:
    """Compose the refusal to accept (不予受理决定书): reason, basis, the right organ, redress."""
    return _window_paper(
        facts,
        DocumentKind.REFUSAL_TO_ACCEPT,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，经审查，"
                f"{legal_ground(facts, '第三十二条')}，本机关决定不予受理。"
            ),
            item_fields(facts, Labelled("实施依据", facts.basis)),
            Paragraph("不予受理的理由", heading=True),
            *reasons(reason),
            Paragraph("应当向何机关申请", heading=True),
            Paragraph(
                "申请事项属于其他行政机关职权范围的，请向该机关提出申请；理由中已指明机关的，以指明的机关为准，"
                "有疑问的可以向本窗口咨询。"
            ),
            Paragraph("救济途径", heading=True),
            Paragraph(redress.text("决定")),
            SignOff("申请人（签收）"),
        ),
    )


def not_needed_notice(facts: CaseFacts, number: str, at: datetime, reason: str) -> Paper:
    """Compose the notice that the matter needs no approval (不受理告知书, art. 32(1)(1))."""
    noun = POWER_NOUN[facts.power_kind]
    needed = "取得行政许可" if facts.licence else f"办理{noun}"
    return _window_paper(
        facts,
        DocumentKind.NOT_NEEDED,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，经审查，申请事项依法不需要{needed}。"
                f"{legal_ground(facts, '第三十二条第一款第（一）项')}，现即时告知不受理。"
            ),
            item_fields(facts, Labelled("申请日期", day_text(facts.received_at))),
            Paragraph("理由", heading=True),
            *reasons(reason),
            Paragraph("你（单位）提交的申请材料一并退还。"),
            SignOff("申请人（签收）"),
        ),
    )


def materials_table(listed: Sequence[MaterialFact], last_column: str) -> Table:
    """Return the materials as a numbered list with copies and form."""
    rows = tuple(
        (
            str(place),
            one.name,
            one.kind,
            f"{one.copies}份" if one.received else "—",
            "已收取" if one.received else "未提交",
        )
        for place, one in enumerate(listed, start=1)
    )
    return Table(("序号", "材料名称", "形式", "份数", last_column), (0.09, 0.51, 0.13, 0.11, 0.16), rows)


def _completeness(facts: CaseFacts, overruled: Overruled | None) -> str:
    if overruled is not None:
        return "形式审查有未通过的事项，本窗口写明理由后予以受理（见后）。"
    if facts.owed_until is not None:
        return "主要申请材料齐全、符合法定形式，其余材料依申请人承诺容缺受理。"
    if facts.by_commitment:
        return "申请人已书面承诺符合办理条件，适用告知承诺。"
    return "申请材料齐全、符合法定形式。"


def _owed(facts: CaseFacts) -> tuple[Block, ...]:
    """Say what the applicant still owes (容缺受理), by when, and what follows if it does not come."""
    if facts.owed_until is None:
        return ()
    return (
        Paragraph("容缺材料", heading=True),
        Paragraph(
            f"下列材料应于{day_text(facts.owed_until)}前向本窗口补齐：{facts.owed}。"
            "补齐前不作出准予决定；逾期未补齐的，终止审查。"
        ),
    )


def _overruled(overruled: Overruled | None) -> tuple[Block, ...]:
    """Say what the form check did not pass and why the window accepted all the same."""
    if overruled is None:
        return ()
    return (
        Paragraph("形式审查未通过的事项", heading=True),
        *(Paragraph(f"{place}．{text}") for place, text in enumerate(overruled.unmet, start=1)),
        Paragraph("予以受理的理由", heading=True),
        *reasons(overruled.reason),
    )


def _outside_the_clock(facts: CaseFacts) -> str:
    if facts.licence:
        return (
            "依法需要听证、招标、拍卖、检验、检测、检疫、鉴定和专家评审的，所需时间不计算在办理时限内，"
            "并另行书面告知。对办理情况有疑问的，可以持本通知书查询。"
        )
    return "办理时限依据办事指南确定；需要特别程序的，所需时间另行书面告知。对办理情况有疑问的，可以持本通知书查询。"


def _window_paper(facts: CaseFacts, kind: DocumentKind, number: str, on: date, blocks: tuple[Block, ...]) -> Paper:
    issuer = facts.issuers[kind]
    return Paper(
        issuer=issuer.organ,
        title=kind.value,
        number=number,
        addressee=facts.applicant.name,
        blocks=blocks,
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=on,
        reference=facts.reference(),
        sample=facts.sample,
    )
