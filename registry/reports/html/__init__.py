"""A comparison as one HTML file that people read: `page` fills the template, `figures` draws, `images` embeds."""

from .page import write_report

__all__ = ["write_report"]
