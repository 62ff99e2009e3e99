"""Fixtures of the integration tests that need the engine; ``stack`` is shared by the whole run."""

from tests.integration.stack import stack as stack
