"""New versions of the item list and of the guides: imported, compared, reviewed and published.

May call: accounts, catalogue, powers (for what is recorded).
"""
