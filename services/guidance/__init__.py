"""How the city unit guides its counties: questions and answers, precedents, trainings.

May call: accounts, catalogue, deadlines, journal, notifications, powers (for the ledger).
"""
