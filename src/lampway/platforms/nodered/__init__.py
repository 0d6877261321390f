"""Node-RED: flows as packages, and a live runtime behind the platform port."""
