"""Use cases, one folder per capability: each takes a session, checks rights and rules, and never commits by itself.

Arrows between the folders point down only; ``tests/unit/test_architecture.py`` holds the plan.
"""

from services import encryption as encryption  # Gives the models their cipher, whichever use case is imported first.
