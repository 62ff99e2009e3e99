"""The on-site check is made by two different people."""

import pytest

from services.errors import InvalidInput
from services.tasks.inspection import require_two_inspectors


@pytest.mark.parametrize("second", ["张三", " 张 三 "])
def test_one_person_named_twice_is_refused(second: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        require_two_inspectors({"inspector_one": "张三", "inspector_two": second})
    assert "两名" in str(refusal.value)


@pytest.mark.parametrize("values", [{}, {"inspector_one": "张三", "inspector_two": "李四"}, {"inspector_one": "张三"}])
def test_two_people_or_a_form_without_the_fields_pass(values: dict[str, str]) -> None:
    require_two_inspectors(values)
