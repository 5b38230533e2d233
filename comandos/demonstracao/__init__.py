"""O roteiro de `./pix demonstrar`: história, modelo, fluxos, tráfego vivo, conferência e relatório."""
