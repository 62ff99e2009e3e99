"""What the product talks to beside the engine and the database: a folder a capability, a base first, then one each.

On the ground beside ``engine/``: nothing of ours is imported here, and nothing here is called inside a transaction
that could wait for a network.
"""
