"""Pessoas, empresas, hábitos e golpes: puro, com semente, sem Kafka nem Spark."""
