# A imagem do pipeline e do servidor MLflow: o mesmo requisitos.lock e o mesmo ivy.xml de quem roda sem contêiner.
# Conferida por hadolint nos testes; não foi construída onde o projeto é desenvolvido (sem motor Docker).
FROM python:3.11-slim-bookworm

# A versão do Java é a do Debian 12: fixá-la aqui quebraria a construção a cada correção de segurança.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless tini \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app \
    PIP_DISABLE_PIP_VERSION_CHECK=1

COPY requisitos.lock ./
RUN pip install --no-cache-dir --require-hashes -r requisitos.lock

COPY ivy.xml jars.sha256 pyproject.toml LICENSE ./
COPY plataforma/ plataforma/
COPY ingestao/ ingestao/
COPY processamento/ processamento/
COPY machine_learning/ machine_learning/
COPY monitoramento/ monitoramento/
COPY comandos/ comandos/
# As camadas guardam instantes em segundos inteiros e a raiz é só de leitura: a conferência dos jars é anotada outra vez
# depois de arredondá-los, ou seria refeita (sem poder ser escrita) a cada início.
RUN python -c "from plataforma.jars import garantir_jars; garantir_jars()" \
    && find .pix/jars -name '*.jar' -exec touch -d '2026-01-01 00:00:00 UTC' {} + \
    && python -c "from plataforma.jars import garantir_jars; garantir_jars()" \
    && python -m compileall -q plataforma ingestao processamento machine_learning monitoramento comandos \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin pix \
    && install -d -o pix -g pix /dados

USER 10001:10001
VOLUME /dados

# A chave dos tokens chega como arquivo de segredo e vira a variável que a configuração lê; não fica na imagem.
ENTRYPOINT ["tini", "--", "/bin/sh", "-c", "if [ -r /run/secrets/chave_tokens ]; then PIX_CHAVE_TOKENS=$(cat /run/secrets/chave_tokens); export PIX_CHAVE_TOKENS; fi; exec \"$@\"", "--"]
CMD ["python", "-P", "-m", "comandos.fluxos", "decisao"]
