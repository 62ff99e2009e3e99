"""The web: JSON routes under ``/api/v1`` and the staff's pages, both thin over the same services."""
