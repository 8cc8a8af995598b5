"""Light curves: one object's photometry as a person holds it, and the merging of points."""

from __future__ import annotations

from gueststar.points import merge_points

__all__ = ["merge_points"]
