"""What every unit test lives with: cheap passwords. That the product's are dear is tested on the web."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from services.accounts import passwords


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash with the cheapest parameters there are: signing in is tested a hundred times over."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher.from_parameters(CHEAPEST)
        patch.setattr(passwords, "_hasher", lambda: hasher)
        passwords._decoy_hash.cache_clear()
        yield
    passwords._decoy_hash.cache_clear()
