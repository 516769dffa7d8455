//! The Microsoft Tape Format: read, check pages, describe; no SQL Server needed.
