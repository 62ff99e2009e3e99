"""The requirements on passwords, and generated passwords.

Everywhere: at least ten characters, no common password, none with the user name in it (OWASP ASVS 5, V6.2, which asks
for length and against composition rules). With ``TONGQUAN_PASSWORD_POLICY=mlps`` also three of the four kinds of
characters and a change every ninety days, as inspections by GB/T 22239-2019 (等保三级, 8.1.4.1 身份鉴别) expect.
"""

import secrets
import string
from datetime import datetime, timedelta
from typing import Final

from models.account import Account
from services.accounts.passwords import PASSWORD_LENGTH
from settings import PasswordPolicy, get_settings

MINIMUM_LENGTH: Final = 10
REQUIRED_KINDS: Final = 3
MAXIMUM_AGE: Final = timedelta(days=90)
ONE_TIME_LENGTH: Final = 16
TELLING_LENGTH: Final = 4
"""A user name shorter than this occurs in many good passwords by chance."""

COMMON: Final = frozenset(
    """
    password12 password123 password1234 passw0rd123 p@ssw0rd123 passwordpassword
    mypassword1 changeme123 letmein1234 welcome123 welcome1234 iloveyou12 iloveyou123 iloveyou1314 woaini1314
    woaini5201314 5201314520 1314520520 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y qwertyuiop qwerty12345
    qwerty123456 qwertyuiop123 asdfghjkl123 zxcvbnm123 zxcvbnm12345 qazwsxedcrfv qazwsx123456 abc1234567 abcd123456
    abcd1234567 abc123456789 a123456789 aa12345678 aa123456789 123456789a 123456789abc 123123123123 1234512345
    admin12345 admin123456 administrator adminadmin admin@1234 admin@12345 root123456 test123456 guest12345 user123456
    computer123 internet123 football123 baseball123 superman123 sunshine123 princess123 dragon12345 monkey12345
    zhengwu123 zhengwu123456 ganzhou123 ganzhou123456 jiangxi123 jiangxi123456 shenpi123456 tongquan123 tongquan123456
    tongquan-demo
    """.split()  # noqa: SIM905  # Seventy words read better as words.
)
"""Common passwords long enough to pass otherwise, in lower case, including those this place and product suggest."""

_SEQUENCES: Final = ("0123456789" * 3, "9876543210" * 3, string.ascii_lowercase, string.ascii_lowercase[::-1])
_KINDS: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_LEGIBLE: Final = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")


def password_problem(username: str, password: str) -> str | None:
    """Return what is wrong with a new password, or None."""
    if not MINIMUM_LENGTH <= len(password) <= PASSWORD_LENGTH:
        return f"长度应为 {MINIMUM_LENGTH} 至 {PASSWORD_LENGTH} 个字符"
    plain = password.casefold()
    if len(username) >= TELLING_LENGTH and username.casefold() in plain:
        return "不能包含用户名"
    if plain in COMMON or len(set(plain)) <= 2 or any(plain in one for one in _SEQUENCES):
        return "过于常见，请换一个"
    if get_settings().password_policy is PasswordPolicy.MLPS and _kinds(password) < REQUIRED_KINDS:
        return f"应至少包含大写字母、小写字母、数字、其他字符中的 {REQUIRED_KINDS} 种"
    return None


def change_is_due(one_time: bool, changed_at: datetime | None, now: datetime) -> bool:
    """Tell whether a password must be changed before anything else: a one-time one, or one past its age."""
    if one_time:
        return True
    if get_settings().password_policy is not PasswordPolicy.MLPS:
        return False
    return changed_at is None or changed_at + MAXIMUM_AGE <= now


def one_time_password() -> str:
    """Return a fresh password of letters and digits that are not mistaken for each other when read out."""
    letters = [secrets.choice(kind) for kind in _LEGIBLE]
    letters += [secrets.choice("".join(_LEGIBLE)) for _ in range(ONE_TIME_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def set_password(account: Account, password_hash: str, *, one_time: bool, at: datetime) -> None:
    """Give an account another password; a one-time one must be changed at the first sign-in."""
    account.password_hash, account.password_one_time, account.password_changed_at = password_hash, one_time, at


def _kinds(password: str) -> int:
    known = [any(letter in kind for letter in password) for kind in _KINDS]
    return sum(known) + any(letter not in "".join(_KINDS) for letter in password)
