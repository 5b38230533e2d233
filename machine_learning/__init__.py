"""Lê ouro e escreve modelos; lê eventos e escreve decisões."""
