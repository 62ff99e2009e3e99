"""Use cases, a folder a capability: each takes a session, checks rights and rules, and never commits by itself.

Arrows between the folders point down only; ``tests/unit/test_architecture.py`` holds the plan of the house.
"""

from services import encryption as encryption  # What the models encrypt with, whichever use case comes first.
