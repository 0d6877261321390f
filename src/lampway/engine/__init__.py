"""The use cases, through ports: it decides and orders, and never touches the outside by itself."""
