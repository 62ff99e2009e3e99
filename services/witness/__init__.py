"""The testimony of the audit chain: its signed heads outside the database, what they and the rows prove, the alarm.

May call: documents (for the signing key and the papers), journal, notifications, webhooks.
"""
