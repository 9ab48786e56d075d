"""How servers are asked: waits, proxies, redaction of secrets."""
