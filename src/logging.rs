//! Tracing into rolling files, secrets never written; failures also to the system log.
