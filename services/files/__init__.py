"""Files people hand in: what is accepted, what it belongs to, who may read it, and when it is deleted.

May call: accounts, journal.
"""
