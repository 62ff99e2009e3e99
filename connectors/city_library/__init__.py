"""The city's library of electronic certificates (市电子证照库): ours are collected there as soon as they change."""

from connectors.city_library.base import CityLibrary, LibraryFailed
from connectors.city_library.http import HttpLibrary
from connectors.city_library.stand_in import StandIn

__all__ = ["CityLibrary", "HttpLibrary", "LibraryFailed", "StandIn"]
