"""Supervision after approval, both ways: pushes with their feedback, and notices of policy documents.

May call: accounts, catalogue, deadlines, journal, notifications, powers, process_engine, webhooks.
"""
