"""External systems besides the engine and the database: a folder per capability, with a base and one module each.

On the same level as ``engine/``: nothing of ours is imported here, and nothing here is called inside a transaction
that could wait for a network, but a timestamp authority elsewhere where one is set (ADR 27).
"""
