"""Electronic signatures of papers: seals and their keys, the instance's own authority, timestamps, and each use.

May call: accounts, journal.
"""
