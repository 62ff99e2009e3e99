"""The statutory holidays of a year whose schedule is not published yet (全国年节及纪念日放假办法 art. 2, as of 2025).

The days themselves are law and can be computed; which days are shifted around them (调休) only the State Council's
notice says. So they are days off from the start, and provisional until the schedule is there.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from chinese_calendar import get_solar_terms
from lunardate import LunarDate

_FIXED: Final = (
    (1, 1, "元旦"),
    (5, 1, "劳动节"),
    (5, 2, "劳动节"),
    (10, 1, "国庆节"),
    (10, 2, "国庆节"),
    (10, 3, "国庆节"),
)
_LUNAR: Final = ((5, 5, "端午节"), (8, 15, "中秋节"))
_SPRING_FESTIVAL: Final = range(-1, 3)
"""From the eve to the third day of the first month, counted from New Year's day."""
_LAST_YEAR: Final = 2099
"""The tables of the lunar calendar end here; later years have the fixed days alone."""


@lru_cache(maxsize=64)
def of_year(year: int) -> Mapping[date, str]:
    """Return the statutory holidays of a year by day, each with its name."""
    days = {date(year, month, day): name for month, day, name in _FIXED}
    if year <= _LAST_YEAR:
        new_year = LunarDate(year, 1, 1).to_solar_date()
        days |= {new_year + timedelta(days=place): "春节" for place in _SPRING_FESTIVAL}
        days |= {day: "清明节" for day, _ in get_solar_terms(date(year, 4, 3), date(year, 4, 7)) if day.month == 4}
        # Mid-Autumn can fall on National Day; the earlier name stands, as the days off do not add up.
        days = {LunarDate(year, month, day).to_solar_date(): name for month, day, name in _LUNAR} | days
    return MappingProxyType(days)
