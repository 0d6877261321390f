"""n8n: workflows as packages."""
