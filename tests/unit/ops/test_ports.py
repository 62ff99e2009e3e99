"""Ports: the user's word counts, all others are free ones and stay the same."""

import socket
from collections.abc import Iterator

import pytest

from ops.ports import choose_ports, is_free
from services.errors import SetupError


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_a_port_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_taken_port_of_the_users_is_refused(taken: int) -> None:
    with pytest.raises(SetupError, match=f"端口 {taken} 已被占用"):
        choose_ports(["web"], {}, web_port=taken)


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(SetupError, match="无效"):
        choose_ports(["web"], {}, web_port=port)


def test_chosen_ports_are_free_distinct_and_kept_at_the_next_start() -> None:
    names = ["web", "feed", "gateway", "rest"]
    chosen = choose_ports(names, {})
    assert len(set(chosen.values())) == len(names)
    assert all(is_free(port) for port in chosen.values())
    assert choose_ports(names, chosen) == chosen


def test_a_remembered_port_that_somebody_took_is_replaced(taken: int) -> None:
    chosen = choose_ports(["web", "feed"], {"web": taken, "feed": taken})
    assert taken not in chosen.values()


def test_the_users_port_is_not_given_to_anything_else() -> None:
    wanted = choose_ports(["feed"], {})["feed"]
    chosen = choose_ports(["feed", "web"], {"feed": wanted}, web_port=wanted)
    assert chosen["web"] == wanted
    assert chosen["feed"] != wanted
