"""Durable execution: who works on which environment, and when."""
