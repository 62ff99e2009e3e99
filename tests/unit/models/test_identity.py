"""Check digits of identity numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import IdentityType
from models.identity import USCC_ALPHABET, identity_error, masked, masked_name

TODAY = date(2026, 3, 1)
ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""The weights as GB 11643 prints them."""
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
"""The weights as GB 32100 prints them."""


def test_a_valid_id_card_passes_with_either_case_of_x() -> None:
    assert identity_error(IdentityType.ID_CARD, "11010519491231002X", TODAY) is None
    assert identity_error(IdentityType.ID_CARD, "11010519491231002x", TODAY) is None


@pytest.mark.parametrize(
    "number",
    ["110105194912310021", "11010519491331002X", "11010529491231002X", "1101051949123100", "一一010519491231002X", ""],
)
def test_a_wrong_id_card_is_refused(number: str) -> None:
    assert identity_error(IdentityType.ID_CARD, number, TODAY)


def test_a_valid_credit_code_passes() -> None:
    assert identity_error(IdentityType.USCC, "91350100M000100Y43", TODAY) is None


@given(st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_any_single_wrong_sign_in_a_credit_code_is_found(position: int, sign: str) -> None:
    good = "91350100M000100Y43"
    bad = good[:position] + sign + good[position + 1 :]
    assert (identity_error(IdentityType.USCC, bad, TODAY) is None) == (bad == good)


@given(st.from_regex(r"[1-9][0-9]{5}19[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}", fullmatch=True))
def test_the_check_digit_of_an_id_card_is_the_one_the_standard_reckons(body: str) -> None:
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_CARD_WEIGHTS, strict=True))
    passed = [last for last in "0123456789X" if identity_error(IdentityType.ID_CARD, body + last, TODAY) is None]
    assert passed == ["10X98765432"[total % 11]]


@given(st.from_regex(f"[{USCC_ALPHABET}]{{2}}[0-9]{{6}}[{USCC_ALPHABET}]{{9}}", fullmatch=True))
def test_the_check_sign_of_a_credit_code_is_the_one_the_standard_reckons(body: str) -> None:
    total = sum(USCC_ALPHABET.index(sign) * weight for sign, weight in zip(body, USCC_WEIGHTS, strict=True))
    passed = [last for last in USCC_ALPHABET if identity_error(IdentityType.USCC, body + last, TODAY) is None]
    assert passed == [USCC_ALPHABET[-total % 31]]


def test_a_code_of_a_rural_collective_and_a_card_of_a_young_county_pass() -> None:
    assert identity_error(IdentityType.USCC, "N2360732MA35F0T65F", TODAY) is None
    assert identity_error(IdentityType.ID_CARD, "360732199003071237", TODAY) is None
    assert identity_error(IdentityType.ID_CARD, "810000199003071237", TODAY) is None


def test_masking_hides_the_middle_of_a_number_and_the_rest_of_a_name() -> None:
    assert masked("11010519491231002X") == "110***********002X"
    assert masked_name("赖小明") == "赖**"
