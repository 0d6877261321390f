"""n8n: workflows as packages, and a live instance behind the platform port."""
