"""Delegated powers between a county and a city unit: agreements, filings and consents, and the ledger of all of it.

May call: accounts, catalogue, deadlines, journal, notifications, process_engine, webhooks.
"""
