//! A SQL Server stand-in for DMBackup's tests and demo: TDS on the wire, rows underneath, real Microsoft Tape Format files.
