"""Inicia e para as peças reais na máquina local: broker, MLflow e Prometheus."""
