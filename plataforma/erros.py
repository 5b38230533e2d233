"""A pequena árvore de erros: cada mensagem diz o campo, o valor, o esperado e a saída."""


class ErroPipeline(Exception):
    """Base de todo erro que o usuário pode resolver; os comandos o mostram em uma linha e saem com código 2."""


class ErroConfiguracao(ErroPipeline):
    """Levantado quando um valor de configuração, um argumento ou um arquivo do usuário não serve."""


class ErroAmbiente(ErroPipeline):
    """Levantado quando falta algo na máquina: Java, memória, disco, porta, jar ou direito de escrita."""


class ErroServico(ErroPipeline):
    """Levantado quando um serviço (broker, MLflow, Prometheus) não sobe, não responde ou recusa."""


class ErroDados(ErroPipeline):
    """Levantado quando um arquivo ou tabela de entrada não tem a forma exigida."""


class ErroEstado(ErroPipeline):
    """Levantado quando checkpoint, tabela ou estado são incompatíveis com a configuração atual."""


class ErroModelo(ErroPipeline):
    """Levantado quando um modelo não pode ser carregado, conferido ou usado."""
