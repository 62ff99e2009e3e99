"""New versions of the item list and of the guides: drafted, compared, imported and released.

May call: accounts, catalogue, powers (for what is recorded).
"""
