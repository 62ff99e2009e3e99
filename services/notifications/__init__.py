"""Notifications (提醒) to account groups: recorded once for each occasion, listed, and marked as read.

May call: accounts, catalogue.
"""
