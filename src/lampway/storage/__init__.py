"""Where things are kept: ledger and projections, packages, source."""
