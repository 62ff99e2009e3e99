"""The catalogue's reviewed text files and their loader: items, areas, units, guides, responsibilities."""

from catalog_data.loader import load_catalogue
from catalog_data.problems import CatalogueError, Problem
from catalog_data.schema import Catalogue

__all__ = ["Catalogue", "CatalogueError", "Problem", "load_catalogue"]
