"""Killing engines ten thousand times, and looking whether anything was lost or done twice."""
