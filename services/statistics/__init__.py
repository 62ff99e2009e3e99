"""Statistics (统计分析): the figures of a period, each defined once, and their export.

May call: accounts, catalogue.
"""
