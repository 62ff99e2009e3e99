"""Check digits of identity numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import IdentityType
from models.identity import USCC_ALPHABET, identity_error, masked, masked_name

TODAY = date(2026, 3, 1)


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


def test_masking_hides_the_middle_of_a_number_and_the_rest_of_a_name() -> None:
    assert masked("11010519491231002X") == "110***********002X"
    assert masked_name("赖小明") == "赖**"
