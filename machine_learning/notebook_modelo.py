# Databricks notebook source
# MAGIC %md
# MAGIC # 3 · Modelo e decisão
# MAGIC
# MAGIC Treina com os atributos do catálogo, medidos sobre a prata com o atraso dos rótulos respeitado; registra no
# MAGIC MLflow; promove pelo alias `campeao`; e inicia a consulta que decide: Kafka → estado → atributos → modelo →
# MAGIC regras → `pix.decisoes`. As decisões voltam ao lago com os atributos **como foram servidos**.

# COMMAND ----------

from datetime import UTC, datetime

from machine_learning.ativacao import CAMPEAO, Vigia
from machine_learning.decisoes_lago import iniciar_decisoes_lago
from machine_learning.esquema import OURO_DECISOES
from machine_learning.fluxo import iniciar_decisao
from machine_learning.registro import resolver
from machine_learning.treino import treinar
from plataforma.configuracao import Configuracao
from plataforma.exibicao import exibir
from plataforma.sessao import obter_sessao

# COMMAND ----------

# MAGIC %md
# MAGIC ## Parâmetros

# COMMAND ----------

cfg = Configuracao.do_ambiente()
uma_vez = cfg.modo == "disponivel"
spark = obter_sessao(cfg, "modelo")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Treino: só na primeira vez; depois, `./pix treinar` ou um job agendado

# COMMAND ----------

if resolver(cfg, CAMPEAO) is None:
    treinar(cfg, spark, rapido=True, promover=True, motivo="primeiro modelo, pelo notebook")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Ativação: modelo e regras viajam pelo tópico de controle e valem por micro-lote (ADR 0004)

# COMMAND ----------

vigia = Vigia(cfg, lambda: datetime.now(UTC))
vigia.conferir()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Decisão e retorno ao lago

# COMMAND ----------

decisao = iniciar_decisao(spark, cfg, uma_vez=uma_vez)

# COMMAND ----------

if uma_vez:
    decisao.awaitTermination()
else:
    vigia.iniciar()
lago = iniciar_decisoes_lago(spark, cfg, uma_vez=uma_vez)

# COMMAND ----------

for consulta in (lago, decisao):
    consulta.awaitTermination()

# COMMAND ----------

exibir(OURO_DECISOES.ler(spark, cfg).groupBy("acao", "modo", "modelo_versao", "regras_versao").count())
