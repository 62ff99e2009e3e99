"""A power that changes hands: recalls to the city and unit transfers within a county, with the cases in flight.

May call: accounts, cases, catalogue, deadlines, documents, journal, powers, process_engine, tasks.
"""
