"""What has happened: the audit trail, what it seals, a case's timeline, and the outcomes people gave in its tasks.

Append-only, below every capability, so that each can record what it did. May call: nothing.
"""
