"""Escuta todas as consultas e publica métricas ao Prometheus."""
