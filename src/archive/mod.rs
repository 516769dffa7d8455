//! Parallel Deflate, writing and testing `MCDados.zip`, its manifest.
