"""The web: the API, and what people see of it in a browser. Parse, one call, render."""
