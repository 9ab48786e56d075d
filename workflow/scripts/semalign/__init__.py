"""semalign: low-resource language learning by semantic reward, and what it costs."""
