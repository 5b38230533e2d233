"""Estado do caminho de decisão: diário por entidade, em colunas, com janelas exatas."""
