//! What outlives the program: the catalogue of the users' databases, in a file beside their rows; and what of it goes into
//! their backups.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::pages::{Definition, Extra};
use crate::security::{User, Users};

/// The kind of a user in a backup's catalogue, as `sysschobjs` has it for SQL users.
const USER: &str = "S";
/// The kind of the options that a backup takes along.
const OPTIONS: &str = "O";
/// The option READ_COMMITTED_SNAPSHOT, which SQL Server keeps in the database itself.
const SNAPSHOT_READS: &str = "READ_COMMITTED_SNAPSHOT";

/// The catalogue as it stands in its file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Databases that were made because the server was started with them; they are not made again when they have gone
    pub made: Vec<String>,
    /// The users' databases
    pub databases: Vec<Database>,
}

fn file(data: &Path) -> PathBuf {
    data.join("databases.json")
}

/// The catalogue that another server has left in `data`; an empty one where none has.
///
/// # Errors
/// It cannot be read.
pub fn load(data: &Path) -> io::Result<Kept> {
    let bytes = match fs::read(file(data)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        read => read?,
    };
    let mut kept: Kept = serde_json::from_slice(&bytes)?;
    for database in &mut kept.databases {
        database.rows = data.join(&database.rows);
    }
    Ok(kept)
}

/// Writes the catalogue, beside and then over the old one.
///
/// # Errors
/// The disk's own.
pub fn save(data: &Path, made: &[String], databases: &[Database]) -> io::Result<()> {
    let mut kept = Kept { made: made.to_vec(), databases: Vec::new() };
    for database in databases.iter().filter(|database| !database.is_system()) {
        let mut database = database.clone();
        // The folder may be elsewhere the next time.
        database.rows = database.rows.file_name().map(PathBuf::from).unwrap_or_default();
        kept.databases.push(database);
    }
    let beside = data.join("databases.json.new");
    let mut written = File::create(&beside)?;
    written.write_all(&serde_json::to_vec_pretty(&kept)?)?;
    drop(written);
    fs::rename(beside, file(data))
}

/// What a backup takes along besides tables: users with their identities, rights, and one option.
pub fn extras(database: &Database) -> Vec<Extra> {
    let mut extras = Vec::new();
    for user in database.users.values() {
        // A user is plain data: writing it into a text cannot fail.
        if let Ok(text) = serde_json::to_string(user) {
            extras.push(Extra { kind: USER.to_owned(), name: user.name.clone(), text });
        }
    }
    if database.snapshot_reads {
        let (kind, name) = (OPTIONS.to_owned(), SNAPSHOT_READS.to_owned());
        extras.push(Extra { kind, name, text: "ON".to_owned() });
    }
    extras
}

/// The users that a backup brings, and whether it has READ_COMMITTED_SNAPSHOT on.
pub fn brought(definitions: &[Definition]) -> (Users, bool) {
    let user = |definition: &Definition| serde_json::from_str::<User>(&definition.sql).ok();
    let users = definitions.iter().filter(|definition| definition.kind == USER).filter_map(user);
    let on = |definition: &Definition| definition.kind == OPTIONS && definition.name == SNAPSHOT_READS;
    let users = users.map(|user| (user.name.to_lowercase(), user)).collect();
    (users, definitions.iter().any(on))
}
