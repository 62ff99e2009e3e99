"""How often a job may begin, and that it does not while it is being worked on."""

from workers.starts import Starts


def test_a_job_under_way_does_not_begin_again_before_its_time_out() -> None:
    now = [0.0]
    starts = Starts(lambda: now[0])
    first = starts.begin(1, 20)
    assert first is not None
    assert first.number == 1
    now[0] = 19
    assert starts.begin(1, 20) is None
    assert starts.begin(2, 20) is not None
    now[0] = 21
    second = starts.begin(1, 20)
    assert second is not None
    assert second.number == 2
    starts.end(second, has_outcome=False)
    assert starts.begin(1, 30) is None, "the first is still under way"
    starts.end(first, has_outcome=True)
    again = starts.begin(1, 20)
    assert again is not None
    assert again.number == 1
