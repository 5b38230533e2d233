"""A porta: um módulo fino por verbo de ./pix."""
