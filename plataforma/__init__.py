"""O chão: conhece Spark, Delta e Kafka; nada sabe de fraude."""
