//! Where backups are kept: the port and its promises; a folder.
