"""For authors of adapters: contract suites and an in-memory platform. Never imported by adapters."""
