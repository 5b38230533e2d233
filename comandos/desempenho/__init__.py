"""A bancada: mede o produto nesta máquina, com a carga, o leitor e as bases de comparação na mesma corrida."""
