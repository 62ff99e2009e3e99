"""Verification of the audit chain: its signed heads outside the database, checks of chain and rows, the alarm.

May call: documents (for the signing key and the papers), journal, notifications, webhooks.
"""
