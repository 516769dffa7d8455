//! The local control channel: protocol, server, typed client.
