"""The engine as the use cases see it: commands in the outbox, the processes' state from the feed, the moving clock.

What the feed could not project is listed here too. Nothing here speaks to the engine; ``bridge/`` carries the commands
over. May call: accounts, journal.
"""
