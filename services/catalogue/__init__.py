"""The catalogue in force on a day: items, guides, areas, units, and who is responsible for what.

Reads only; ``publishing`` makes new versions, ``seeding`` writes the files of ``catalog_data/`` at the first start.
May call: nothing.
"""
