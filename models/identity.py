"""Check digits of the two identity numbers an applicant may show."""

import re
from datetime import date

from stdnum.cn import ric, uscc

from models.case import IdentityType

ID_CARD = re.compile(r"[1-9]\d{5}(\d{4})(\d{2})(\d{2})\d{3}[\dX]")

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC = re.compile(f"[{USCC_ALPHABET}]{{2}}\\d{{6}}[{USCC_ALPHABET}]{{10}}")


def identity_error(kind: IdentityType, number: str, today: date) -> str | None:
    """Return what is wrong with an identity number, or None.

    The check digits are python-stdnum's. Its whole validation is not used: it refuses the letters with which the codes
    of rural collectives (N) and other organisations begin, and cards of places its table does not list.
    Sources: GB 11643-1999 (居民身份证, 18 digits) and GB 32100-2015 (统一社会信用代码).
    """
    number = number.upper()
    return _id_card_error(number, today) if kind is IdentityType.ID_CARD else _uscc_error(number)


def _id_card_error(number: str, today: date) -> str | None:
    match = ID_CARD.fullmatch(number) if number.isascii() else None
    if match is None:
        return "身份证号应为18位"
    try:
        born = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return "身份证号中的出生日期不存在"
    if born > today or born.year < 1850:
        return "身份证号中的出生日期不合理"
    return None if ric.calc_check_digit(number) == number[17] else "身份证号校验位不正确"


def _uscc_error(number: str) -> str | None:
    if not number.isascii() or USCC.fullmatch(number) is None:
        return "统一社会信用代码应为18位数字和大写字母（不含I、O、S、V、Z）"
    return None if uscc.calc_check_digit(number) == number[17] else "统一社会信用代码校验位不正确"


def masked(number: str) -> str:
    """Return a number with its middle hidden, for lists and logs."""
    if len(number) <= 7:
        return number[:1] + "*" * max(len(number) - 1, 0)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def masked_name(name: str) -> str:
    """Return a person's name with all but the first character hidden."""
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""
