"""Finds hardcoded secrets, endpoints and other faults in what a package reader yields."""
