"""One folder per low-code product: its bytes, its API, and the port between them and the engine."""
