"""Official papers (文书): what they say (typed), and how they look (PDF). Pure: no session, no clock, no settings."""

from papers.paper import Paper
from papers.rendering import render_pdf, render_to_sign

__all__ = ["Paper", "render_pdf", "render_to_sign"]
