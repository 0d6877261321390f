"""Governance files on disk to domain objects, with line and column in every error."""
