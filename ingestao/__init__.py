"""Lê Kafka e escreve bronze, byte a byte."""
