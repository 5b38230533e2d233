# Databricks notebook source
# MAGIC %md
# MAGIC # 1 · Ingestão: do Kafka à bronze
# MAGIC
# MAGIC Cada registro de `pix.eventos` e de `pix.rotulos` é gravado **byte a byte** em Delta, com tópico, partição,
# MAGIC deslocamento e instantes. Nada é interpretado aqui: o que chegou errado também fica, para se provar depois.
# MAGIC
# MAGIC Escreve `bronze_eventos` e `bronze_rotulos`. Próximo: `processamento/notebook_processamento`.

# COMMAND ----------

from ingestao.bronze import BRONZE_EVENTOS, BRONZE_ROTULOS
from ingestao.fluxo import iniciar_bronze, iniciar_bronze_rotulos
from plataforma.configuracao import Configuracao
from plataforma.exibicao import exibir
from plataforma.sessao import obter_sessao

# COMMAND ----------

# MAGIC %md
# MAGIC ## Parâmetros
# MAGIC Tudo vem do ambiente (`PIX_*`, veja `.env.exemplo`). `PIX_MODO=disponivel` processa o que já chegou e termina;
# MAGIC `continuo` fica de pé.

# COMMAND ----------

cfg = Configuracao.do_ambiente()
uma_vez = cfg.modo == "disponivel"
spark = obter_sessao(cfg, "ingestao")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Os dois fluxos
# MAGIC O sorvedouro Delta é exatamente-uma-vez: o lote que se repete depois de uma queda não duplica.

# COMMAND ----------

consultas = [iniciar_bronze(spark, cfg, uma_vez=uma_vez), iniciar_bronze_rotulos(spark, cfg, uma_vez=uma_vez)]

# COMMAND ----------

for consulta in consultas:
    consulta.awaitTermination()

# COMMAND ----------

exibir(BRONZE_EVENTOS.ler(spark, cfg).groupBy("topico", "origem").count())
exibir(BRONZE_ROTULOS.ler(spark, cfg).groupBy("topico", "origem").count())
