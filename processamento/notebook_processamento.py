# Databricks notebook source
# MAGIC %md
# MAGIC # 2 · Processamento: da bronze à prata e ao ouro
# MAGIC
# MAGIC - **prata**: Pix tipados, válidos, únicos por `id_fim_a_fim` e tokenizados (HMAC-SHA-256);
# MAGIC - **quarentena**: o registro bruto com o motivo, de uma lista fechada;
# MAGIC - **ouro**: os atributos do catálogo e os indicadores em janelas de minuto, hora e dia.
# MAGIC
# MAGIC O validador e o catálogo são os mesmos do caminho de decisão. Próximo: `machine_learning/notebook_modelo`.

# COMMAND ----------

from plataforma.configuracao import Configuracao
from plataforma.exibicao import exibir
from plataforma.sessao import obter_sessao
from processamento.fluxo import iniciar_prata, iniciar_rotulos, preencher_historico
from processamento.indicadores import iniciar_indicadores
from processamento.ouro import OURO_ATRIBUTOS, preencher_ouro
from processamento.tabelas import OURO_INDICADORES, PRATA_PIX, PRATA_QUARENTENA

# COMMAND ----------

# MAGIC %md
# MAGIC ## Parâmetros

# COMMAND ----------

cfg = Configuracao.do_ambiente()
uma_vez = cfg.modo == "disponivel"
spark = obter_sessao(cfg, "processamento")

# COMMAND ----------

# MAGIC %md
# MAGIC ## A história, em lote, pelo mesmo código dos fluxos

# COMMAND ----------

preencher_historico(spark, cfg)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Os fluxos

# COMMAND ----------

consultas = [iniciar_prata(spark, cfg, uma_vez=uma_vez), iniciar_rotulos(spark, cfg, uma_vez=uma_vez)]

# COMMAND ----------

if uma_vez:
    for consulta in consultas:
        consulta.awaitTermination()
consultas = [*consultas, iniciar_indicadores(spark, cfg, uma_vez=uma_vez)]

# COMMAND ----------

# MAGIC %md
# MAGIC ## O ouro: atributos de cada Pix, só com o que se sabia antes dele
# MAGIC `PIX_EXECUTOR_HISTORIA` escolhe quem mede: `estado` (o núcleo do fluxo) ou `janelas` (as do Spark); dão o mesmo.

# COMMAND ----------

preencher_ouro(spark, cfg)

# COMMAND ----------

exibir(PRATA_PIX.ler(spark, cfg).groupBy("origem", "finalidade").count())
exibir(PRATA_QUARENTENA.ler(spark, cfg).groupBy("motivo").count())
exibir(OURO_ATRIBUTOS.ler(spark, cfg).groupBy("catalogo_versao").count())

# COMMAND ----------

for consulta in consultas:
    consulta.awaitTermination()

# COMMAND ----------

exibir(OURO_INDICADORES.ler(spark, cfg).groupBy("granularidade").count())
