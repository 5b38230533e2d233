"""Um gerador por golpe: cada um devolve pagamentos com sua assinatura no tempo, e nenhum com uma marca visível."""
