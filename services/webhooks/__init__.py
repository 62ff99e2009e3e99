"""Signed webhooks: who is subscribed to which event, and what is sent. ``bridge/webhooks.py`` delivers them.

May call: accounts, documents (for the signing key), journal.
"""
