"""The outside that is no platform: secret references, identity."""
