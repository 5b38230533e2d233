"""Lê bronze e escreve prata, quarentena e ouro."""
