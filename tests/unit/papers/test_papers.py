"""The papers carry what the law and the plans ask of them, word their power type, and render alike every time."""

import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from models.case import Verdict
from models.catalogue import Mode, PowerKind
from models.certificate import CertificateAction
from papers import Paper, acceptance, decision, delivery, hearing, procedure, render_pdf
from papers.facts import CaseFacts, CertificateFact
from papers.fonts import printable
from papers.lines import NOT_AT_END, NOT_AT_START, break_lines
from papers.paper import PENDING, Labelled
from papers.powers import AgreementFact, SideFact, agreement
from papers.seal import split_seal
from papers.wording import DECISIONS, Redress, chinese_number, decision_words
from tests.factories.papers import ACCEPTED, DECIDED, RECEIVED, facts

NUMBER = "赣市县同权（兴国县）受〔2026〕00012号"
CITY = Redress("赣州市人民政府")
LICENSING = "行政许可法"


def text_of(paper: Paper) -> str:
    """Return the text of the PDF without blanks and line ends, as a reader would search it."""
    pages = PdfReader(io.BytesIO(render_pdf(paper))).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def pages_of(paper: Paper) -> int:
    return len(PdfReader(io.BytesIO(render_pdf(paper))).pages)


def decided(case: CaseFacts, verdict: Verdict, **changes: Any) -> Paper:
    words = DECISIONS[case.power_kind, verdict]
    content = decision.DecisionContent(verdict, words.kind.value, words.resolution, "材料与办事指南相符。", None, CITY)
    return decision.decision(case, NUMBER, DECIDED, replace(content, **changes))


def test_a_receipt_lists_materials_copies_receiver_and_time() -> None:
    text = text_of(acceptance.receipt(facts(), NUMBER, RECEIVED, supplement=False))
    for needed in (
        "材料接收凭证",
        "燃气经营许可变更申请表",
        "1份",
        "2份",
        "兴国县窗口受理员",
        "2026年9月21日09时30分",
        "未提交",
    ):
        assert needed in text
    assert "授权委托书" not in text, "a supplement belongs to the second receipt"


def test_a_second_receipt_lists_only_the_supplement() -> None:
    text = text_of(acceptance.receipt(facts(), NUMBER, ACCEPTED, supplement=True))
    assert "授权委托书" in text
    assert "营业执照" not in text


def test_an_acceptance_notice_names_dates_basis_limit_and_contact() -> None:
    text = text_of(acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED))
    for needed in ("受理通知书", "2026年9月21日", "2026年9月22日", "2026年10月28日", "2026年10月9日", PENDING):
        assert needed in text
    for needed in (
        "办件类型承诺件",
        "第三十二条",
        "139****1234",
        "法定时限20个工作日",
        "承诺时限7个工作日",
        "示例",
        "7KQM2XWA",
    ):
        assert needed in text


def test_a_deemed_acceptance_says_why_and_since_when() -> None:
    case = facts(deemed_accepted=True, accepted_at=RECEIVED)
    text = text_of(acceptance.acceptance_notice(case, NUMBER, ACCEPTED))
    assert "自收到申请材料之日（2026年9月21日）起即为受理" in text


def test_a_provisional_due_date_is_marked() -> None:
    case = facts(limits=replace(facts().limits, provisional=True))
    assert "暂定" in text_of(acceptance.acceptance_notice(case, NUMBER, ACCEPTED))


def test_every_day_that_is_a_guess_yet_is_marked_on_its_own() -> None:
    mark = "（暂定，待国家公布该年度节假日安排后确定）"
    promised = facts(limits=replace(facts().limits, promised_provisional=True))
    text = text_of(acceptance.acceptance_notice(promised, NUMBER, ACCEPTED))
    assert f"承诺办结日2026年10月9日{mark}" in text
    assert f"2026年10月28日{mark}" not in text
    due = date(2027, 2, 3)
    guessed = text_of(acceptance.correction_notice(facts(), NUMBER, ACCEPTED, [], "", due, True))
    assert f"请于2027年2月3日{mark}前" in guessed
    notice = procedure.special_procedure_notice(facts(), NUMBER, ACCEPTED, "检测", 30, due, "检测", True)
    assert f"预计结束2027年2月3日{mark}" in text_of(notice)


def test_a_correction_notice_tells_everything_missing_at_once() -> None:
    missing = ["缺少申请表原件1份", "营业执照复印件未盖章"]
    text = text_of(acceptance.correction_notice(facts(), NUMBER, ACCEPTED, missing, "请一次备齐", date(2026, 10, 20)))
    for needed in (*missing, "请一次备齐", "2026年10月20日", "第三十二条第一款第（四）项", "全部内容"):
        assert needed in text


def test_a_refusal_to_accept_gives_reason_basis_right_organ_and_redress() -> None:
    text = text_of(acceptance.refusal_to_accept(facts(), NUMBER, ACCEPTED, "属于市城市管理局职权范围", CITY))
    for needed in (
        "属于市城市管理局职权范围",
        "第三十二条",
        "应当向何机关申请",
        "六十日内向赣州市人民政府",
        "六个月内",
    ):
        assert needed in text


def test_a_denial_gives_reason_basis_and_redress() -> None:
    text = text_of(decided(facts(), Verdict.DENY, opinion="安全间距不足"))
    for needed in ("不予行政许可决定书", "安全间距不足", PENDING, "赣州市人民政府申请行政复议", "六十日", "六个月"):
        assert needed in text


def test_a_grant_names_certificate_content_basis_date_and_validity() -> None:
    text = text_of(decided(facts(), Verdict.APPROVE, certificate_number="GZ360732-S28-2026-00012"))
    for needed in ("GZ360732-S28-2026-00012", "有效期限", "实施依据", "2026年10月16日", "第三十八条", "第四十四条"):
        assert needed in text


@pytest.mark.parametrize("kind", [kind for kind in PowerKind if kind is not PowerKind.LICENSE])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_other_powers_never_cite_the_licensing_law(kind: PowerKind, verdict: Verdict) -> None:
    case = facts(power_kind=kind, power_type=kind.printed, item_name="公路工程质量核验", result_name="核验意见")
    text = text_of(decided(case, verdict))
    assert LICENSING not in text
    assert DECISIONS[kind, verdict].resolution in text
    for paper in (
        acceptance.acceptance_notice(case, NUMBER, ACCEPTED),
        acceptance.refusal_to_accept(case, NUMBER, ACCEPTED, "", CITY),
        acceptance.correction_notice(case, NUMBER, ACCEPTED, [], "", None),
        acceptance.not_needed_notice(case, NUMBER, ACCEPTED, ""),
        procedure.extension_notice(case, NUMBER, DECIDED, 5, "情况复杂", "赵六"),
    ):
        assert LICENSING not in text_of(paper)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_filing_never_turns_into_a_licence(verdict: Verdict) -> None:
    case = facts(power_kind=PowerKind.FILING, power_type="其他行政权力-备案", item_name="招标文件备案")
    text = text_of(decided(case, verdict))
    assert "准予" not in text
    assert "备案通知书" in text
    assert "许可" not in text.replace("不构成行政许可", "")


def test_the_county_signs_direct_decisions_and_the_city_the_others() -> None:
    assert decided(facts(mode=Mode.DIRECT), Verdict.APPROVE).signatory == "兴国县行政审批局"
    for mode in Mode.decided_by_city():
        assert decided(facts(mode=mode), Verdict.APPROVE).signatory == "赣州市行政审批局"


def test_a_special_procedure_notice_names_step_and_time() -> None:
    paper = procedure.special_procedure_notice(
        facts(), NUMBER, ACCEPTED, "专家评审", 15, date(2026, 10, 20), "重大危险源"
    )
    text = text_of(paper)
    for needed in ("专家评审", "15个工作日", "2026年10月20日", "第四十五条", "重大危险源"):
        assert needed in text


def test_an_extension_notice_names_reason_days_approver_and_new_date() -> None:
    text = text_of(procedure.extension_notice(facts(), NUMBER, DECIDED, 10, "需要核实资料", "赵六"))
    for needed in ("需要核实资料", "10个工作日", "赵六", "2026年10月28日", "第四十二条"):
        assert needed in text


def test_a_termination_notice_gives_the_reason() -> None:
    assert "申请人撤回申请" in text_of(procedure.termination_notice(facts(), NUMBER, DECIDED, "申请人撤回申请"))


def test_a_dossier_carries_opinion_hashes_officers_and_digest() -> None:
    content = procedure.DossierContent(
        round=2,
        outcome="同意，建议准予",
        opinion="符合条件",
        forwarding_opinion="同意转报",
        on_site="通道畅通",
        officers=(procedure.Officer("首席代表（签发）", "王五", DECIDED),),
        hashes=("ab" * 32,) * 5,
        digest="cd" * 32,
    )
    text = text_of(procedure.dossier_paper(facts(), NUMBER, DECIDED, content))
    for needed in ("第2次转报", "符合条件", "同意转报", "通道畅通", "王五", "abababab", "cdcdcdcd", "第三十五条"):
        assert needed in text


def test_a_return_of_service_has_room_for_signature_refusal_and_witness() -> None:
    served = (delivery.Delivered("准予行政许可决定书", "赣市县同权〔2026〕1号"),)
    service = delivery.ServiceFact("窗口领取", date(2026, 10, 9), at_window=True)
    text = text_of(delivery.return_of_service(facts(), NUMBER, DECIDED, service, served))
    for needed in (
        "准予行政许可决定书",
        "受送达人",
        "送达方式",
        "窗口领取",
        "送达地点",
        "2026年10月9日",
        "拒收事由",
        "见证人签名",
    ):
        assert needed in text
    assert "签收人" not in text


def test_a_return_of_service_prints_what_was_stated() -> None:
    service = delivery.ServiceFact(
        "留置送达",
        date(2026, 10, 9),
        place="兴国县平川路1号",
        refusal="当面拒绝签收",
        witnesses=("甲村委会李某", "乙某"),
    )
    text = text_of(delivery.return_of_service(facts(), NUMBER, DECIDED, service, ()))
    for needed in ("留置送达", "兴国县平川路1号", "当面拒绝签收", "甲村委会李某、乙某"):
        assert needed in text


def test_a_certificate_is_one_landscape_page_with_its_signature() -> None:
    stated = CertificateFact(CertificateAction.ISSUE)
    paper = decision.certificate(facts(), "GZ-1", "燃气经营许可证", DECIDED, stated, "c2lnbmF0dXJl")
    page = PdfReader(io.BytesIO(render_pdf(paper))).pages[0]
    assert page.mediabox.width > page.mediabox.height
    text = text_of(paper)
    for needed in ("燃气经营许可证", "GZ-1", "兴国县润和燃气有限公司", PENDING, "c2lnbmF0dXJl"):
        assert needed in text


def test_a_certificate_states_its_fields_its_last_day_with_its_source_and_what_it_replaces() -> None:
    fields = (Labelled("采伐地点", "三号林班"), Labelled("采伐蓄积", "830立方米"))
    stated = CertificateFact(CertificateAction.CHANGE, date(2031, 3, 1), "（按办事指南有效期5年计算）", fields, "GZ-0")
    paper = decision.certificate(facts(), "GZ-1", "许可证", DECIDED, stated, "c2ln", "https://x.cn/public/GZ-1")
    text = text_of(paper)
    for needed in ("采伐地点：三号林班", "830立方米", "至2031年3月1日（按办事指南有效期5年计算）", "原证照编号：GZ-0"):
        assert needed in text
    assert "扫描二维码" in text
    assert "二维码" not in text_of(replace(paper, code="", reference=facts().reference()))
    assert pages_of(paper) == 1


@pytest.mark.parametrize(
    ("action", "title", "resolution", "article"),
    [
        (CertificateAction.CHANGE, "准予变更行政许可决定书", "准予变更行政许可", "第四十九条"),
        (CertificateAction.RENEW, "准予延续行政许可决定书", "准予延续行政许可", "第五十条"),
        (CertificateAction.REPLACE, "准予补发证照决定书", "准予补发证照", "第三十八条"),
    ],
)
def test_what_is_done_to_a_licence_there_is_already_is_worded_as_that(
    action: CertificateAction, title: str, resolution: str, article: str
) -> None:
    words = decision_words(PowerKind.LICENSE, Verdict.APPROVE, action)
    stated = CertificateFact(action, date(2031, 3, 1), fields=(Labelled("经营场所", "一号"),), former="GZ-0")
    changes = {"certificate": stated, "certificate_number": "GZ-1"}
    paper = decided(facts(), Verdict.APPROVE, title=words.kind.value, resolution=words.resolution, **changes)
    text = text_of(paper)
    for needed in (title, f"决定{resolution}。", article, "一号", "至2031年3月1日", "GZ-0", "自新证照制发之日起失效"):
        assert needed in text
    assert "准予行政许可" not in text


def test_a_cancellation_is_no_grant() -> None:
    words = decision_words(PowerKind.LICENSE, Verdict.APPROVE, CertificateAction.CANCEL)
    stated = CertificateFact(CertificateAction.CANCEL, former="GZ-1")
    changes = {"title": words.kind.value, "resolution": words.resolution, "certificate": stated}
    text = text_of(decided(facts(), Verdict.APPROVE, **changes))
    for needed in ("注销行政许可决定书", "决定注销行政许可。", "第七十条", "GZ-1", "不再具有效力"):
        assert needed in text
    for wrong in ("准予", "颁发", "请按照"):
        assert wrong not in text


def test_another_power_keeps_its_own_words_whatever_is_done() -> None:
    for kind in (PowerKind.CONFIRMATION, PowerKind.FILING, PowerKind.OTHER):
        for action in CertificateAction:
            assert decision_words(kind, Verdict.APPROVE, action) is DECISIONS[kind, Verdict.APPROVE]


def test_equal_papers_render_to_equal_bytes() -> None:
    first = render_pdf(acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED))
    render_pdf(decided(facts(), Verdict.DENY))
    assert render_pdf(acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED)) == first
    assert render_pdf(acceptance.acceptance_notice(facts(project="另一项目"), NUMBER, ACCEPTED)) != first


def test_only_a_demonstration_prints_the_sample_line() -> None:
    sample = "不具法律效力"
    assert sample in text_of(decided(facts(sample=True), Verdict.APPROVE))
    assert sample not in text_of(decided(facts(sample=False), Verdict.APPROVE))


def test_a_character_without_a_glyph_is_marked_and_its_code_point_printed() -> None:
    case = facts(applicant=replace(facts().applicant, name="欧阳\U00020bb7"))
    text = text_of(acceptance.receipt(case, NUMBER, RECEIVED, supplement=False))
    assert "欧阳〓" in text
    assert "U+20BB7" in text


def test_rare_characters_of_names_have_glyphs_and_control_characters_do_no_harm() -> None:
    assert printable("䶮㛃堃喆囍") == ("䶮㛃堃喆囍", [])
    assert printable("一\t二\u200b三\x00") == ("一 二三 ", [])


def test_a_typical_paper_stays_on_one_page_and_a_long_list_flows_on() -> None:
    assert pages_of(acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED)) == 1
    many = facts(materials=facts().materials[:4] * 30)
    long = acceptance.receipt(many, NUMBER, RECEIVED, supplement=False)
    assert pages_of(long) > 2
    assert "120" in text_of(long)


def test_a_table_that_goes_on_over_the_page_has_its_head_again() -> None:
    many = facts(materials=facts().materials[:4] * 30)
    long = acceptance.receipt(many, NUMBER, RECEIVED, supplement=False)
    pages = ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(render_pdf(long))).pages]
    listing = [page for page in pages if "份已收取" in page or "—未提交" in page]
    assert len(listing) > 2
    assert [page.count("序号材料名称形式份数收取情况") for page in listing] == [1] * len(listing)
    assert all(page.startswith("序号材料名称") or "材料接收凭证" in page for page in listing)


def test_a_very_long_opinion_and_cell_are_split_over_pages() -> None:
    assert pages_of(decided(facts(), Verdict.DENY, opinion="理由充分，" * 800)) > 2
    endless = acceptance.correction_notice(facts(), NUMBER, ACCEPTED, ["缺" * 3000], "", None)
    assert text_of(endless).count("缺") == 3000


def test_lines_never_begin_with_closing_marks_nor_end_with_opening_ones() -> None:
    text = "根据《中华人民共和国行政许可法》（2019年修正）第三十二条，申请人“兴国县润和燃气有限公司”提出的申请，" * 6
    for width in range(90, 450, 7):
        lines = break_lines(text, "PaperSerif", 16, float(width), 32.0)
        assert "".join(line.text for line in lines) == text
        assert all(line.text[0] not in NOT_AT_START for line in lines)
        assert all(line.text[-1] not in NOT_AT_END for line in lines)
        assert all(line.offset + line.width <= width + 0.1 for line in lines)


def test_numbers_and_words_are_not_torn_unless_wider_than_half_a_line() -> None:
    lines = break_lines("申请编号为GZ360732-S28请查收", "PaperSerif", 16, 200.0)
    assert any("GZ360732-S28" in line.text for line in lines)
    assert len(break_lines("a" * 300, "PaperSerif", 16, 200.0)) > 5


def test_a_seal_is_split_into_organ_and_kind() -> None:
    assert split_seal("赣州市自然资源局市级审批专用章") == ("赣州市自然资源局", "市级审批专用章")
    assert split_seal("兴国县“市县同权”综合受理窗口专用章") == ("兴国县“市县同权”综合受理窗口", "专用章")
    lent = "赣州市自然资源局受理专用章（兴国县）"
    assert split_seal(lent) == ("赣州市自然资源局", "受理专用章（兴国县）")
    assert split_seal("兴国县人民政府") == ("兴国县人民政府", "")


@pytest.mark.parametrize(("number", "text"), [(6, "六"), (10, "十"), (15, "十五"), (60, "六十"), (99, "九十九")])
def test_limits_are_written_in_chinese_numbers(number: int, text: str) -> None:
    assert chinese_number(number) == text


def test_the_papers_of_a_hearing_say_what_is_known_and_seal_no_empty_record() -> None:
    known = hearing.HearingFact("涉及相邻关系", date(2026, 9, 21), date(2026, 9, 24), date(2026, 10, 12), "王五")
    rights = hearing.hearing_rights(facts(), NUMBER, date(2026, 9, 21), known)
    notice = hearing.hearing_notice(facts(), NUMBER, date(2026, 9, 25), known)
    record = hearing.hearing_record(facts(), NUMBER, date(2026, 9, 25), known)
    assert all(one in text_of(rights) for one in ("听证告知书", "五日内", "涉及相邻关系", "第四十六条"))
    assert all(one in text_of(notice) for one in ("2026年10月12日", "王五", "第四十八条"))
    assert "听证笔录" in text_of(record)
    assert (bool(rights.seal), bool(notice.seal), record.seal) == (True, True, "")


def test_an_agreement_without_both_signatures_is_a_draft() -> None:
    signed = SideFact("赣州市自然资源局", "甲", DECIDED)
    terms = AgreementFact(
        number=7,
        state="待签署",
        city=signed,
        county=SideFact("兴国县"),
        items=(("S-01", "某许可"),),
        procedure="受理\n审核",
        in_force_from=date(2026, 9, 1),
        drafted_on=date(2026, 8, 1),
        digest="ab",
        sample=True,
    )
    draft = agreement(terms)
    assert "草案" in draft.title
    assert "（待签署）" in text_of(draft)
    concluded = agreement(replace(terms, county=SideFact("兴国县", "乙", DECIDED)))
    assert ("草案" in concluded.title, concluded.signed_on) == (False, DECIDED.date())
    assert all(one in text_of(concluded) for one in ("S-01", "某许可", "受理", "审核", "2026年9月1日"))


def test_a_character_beyond_the_first_plane_can_be_copied_out_of_the_paper() -> None:
    """Its glyph was drawn before, and another character was read."""
    case = facts(applicant=replace(facts().applicant, name="郭\U0002cb5a"))
    assert "郭\U0002cb5a" in text_of(acceptance.acceptance_notice(case, NUMBER, ACCEPTED))


def test_a_paper_is_made_for_archives() -> None:
    """What PDF/A-2b asks of a file's structure; veraPDF checks the whole of it by hand (docs/how-to)."""
    pdf = render_pdf(decided(facts(), Verdict.APPROVE))
    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    (intent,) = root["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].get_data()[36:40] == b"acsp", "the signature of an ICC profile"
    (page,) = root["/Pages"]["/Kids"]
    for font in page.get_object()["/Resources"]["/Font"].values():
        assert "/FontFile2" in font["/FontDescriptor"], font["/BaseFont"]
    assert pdf.count(b"endstream") == pdf.count(b"\nendstream\n"), "each stream ends on a line of its own"


def test_the_metadata_tell_the_paper_and_its_day() -> None:
    paper = acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED)
    reader = PdfReader(io.BytesIO(render_pdf(paper)))
    assert reader.metadata is not None
    assert reader.metadata.title == f"受理通知书 {NUMBER}"
    assert reader.metadata.author == paper.issuer
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == ACCEPTED.date()
    assert reader.xmp_metadata is not None
    assert reader.xmp_metadata.dc_title == {"x-default": f"受理通知书 {NUMBER}"}
