"""How the city unit guides its counties: questions and answers, precedents, trainings.

May call: accounts, catalogue, deadlines, journal, powers (for what is recorded).
"""
