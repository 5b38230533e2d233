"""Os processos dos fluxos: um decide, o outro mantém o lago (por que dois: docs/adr/0009-dois-processos.md)."""
