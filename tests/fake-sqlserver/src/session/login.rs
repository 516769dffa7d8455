//! Who comes in.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use super::{Reception, invalid};
use crate::clock;
use crate::error::{SqlError, cannot_open, login_failed};
use crate::fault::{Action, StatementKind};
use crate::identity::Identity;
use crate::instance::{Instance, Session, State};
use crate::security::LoginState;
use crate::tds::login::{self, Login};
use crate::tds::packet::{DEFAULT_PACKET_BYTES, Kind, Message, MessageWriter, PACKET_BYTES_RANGE};
use crate::tds::token::{self, Change, Done, DoneKind, Origin, status};

/// Packet size of a client that leaves it to the server.
const PREFERRED_PACKET_BYTES: usize = 8000;

/// A client that has come in.
#[derive(Debug)]
pub struct Admitted {
    /// Its session
    pub spid: u16,
    /// The login's name
    pub login: String,
    /// The database it begins in
    pub database_id: i32,
    /// TDS version that both speak
    pub version: u32,
    /// Ends the session with an error
    pub kill: CancellationToken,
    /// Ends the session without a word
    pub cut: CancellationToken,
}

/// Answers LOGIN7. `None` when the client was turned away.
pub async fn admit<W: AsyncWrite + Unpin>(
    message: &Message,
    writer: &mut MessageWriter<W>,
    reception: &Reception,
) -> io::Result<Option<Admitted>> {
    if message.kind != Kind::Login {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not log in"));
    }
    let login = login::parse(&message.body).map_err(invalid)?;
    let too_old = || io::Error::new(io::ErrorKind::InvalidData, "the client is older than SQL Server 2005");
    let version = login.tokens_version().ok_or_else(too_old)?;
    let instance = &reception.instance;
    let verdict = match befall(instance).await {
        Fate::Silence => return Ok(None),
        Fate::Error(error) => Err(vec![error]),
        Fate::Nothing => judge(&instance.state(), &login),
    };
    let identity = instance.state().identity.clone();
    let admitted = match verdict {
        Ok(database_id) => enter(instance, &login, version, database_id, &reception.stop),
        Err(errors) => {
            writer.write(&refusal(&errors, &identity.server_name())).await?;
            writer.finish().await?;
            return Ok(None);
        }
    };
    let packet_bytes = packet_bytes(&login);
    let database = instance.state().database_by_id(admitted.database_id).map(|d| d.name.clone());
    let welcome = welcome(&login, &identity, &database.unwrap_or_default(), packet_bytes);
    let sent = async {
        writer.write(&welcome).await?;
        writer.finish().await
    };
    if let Err(error) = sent.await {
        instance.leave(admitted.spid);
        return Err(error);
    }
    writer.set_packet_bytes(packet_bytes);
    Ok(Some(admitted))
}

enum Fate {
    Nothing,
    Silence,
    Error(SqlError),
}

async fn befall(instance: &Instance) -> Fate {
    instance.faults.note(StatementKind::Login, || StatementKind::Login.to_string());
    for action in instance.faults.befall(StatementKind::Login) {
        match action {
            Action::Delay(time) => tokio::time::sleep(time).await,
            Action::Stall { .. } | Action::Mute | Action::Hold { .. } => std::future::pending().await,
            Action::Drop { .. } | Action::Cut | Action::Lose => return Fate::Silence,
            Action::Error(error) => return Fate::Error(error),
            Action::Pace(_)
            | Action::DiskFull { .. }
            | Action::Truncate { .. }
            | Action::Flip { .. }
            | Action::Stripe(_) => {}
        }
    }
    Fate::Nothing
}

/// The database that the client begins in, or the errors it is turned away with.
fn judge(state: &State, login: &Login) -> Result<i32, Vec<SqlError>> {
    if login.integrated {
        let text = "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.";
        return Err(vec![SqlError::new(18452, text).class(14)]);
    }
    let refused = || login_failed(&login.user);
    let known = state.login(&login.user).ok_or_else(|| vec![refused()])?;
    if known.password.as_deref() != Some(login.password.as_str()) {
        return Err(vec![refused()]);
    }
    let user = &login.user;
    let barred = |number, reason: &str| {
        Err(vec![
            SqlError::new(number, format!("Login failed for user '{user}'.  Reason: {reason}")).class(14),
        ])
    };
    match known.state {
        LoginState::Enabled => {}
        LoginState::Disabled => return barred(18470, "The account is disabled."),
        LoginState::Locked => {
            let text = format!(
                "Login failed for user '{user}' because the account is currently locked out. The system administrator can \
                 unlock it."
            );
            return Err(vec![SqlError::new(18486, text).class(14)]);
        }
        LoginState::Expired => return barred(18487, "The password of the account has expired."),
        LoginState::MustChange => return barred(18488, "The password of the account must be changed."),
    }
    let wanted = if login.database.is_empty() { &known.default_database } else { &login.database };
    let open =
        state.database(wanted).ok().filter(|database| state.check_entry(&login.user, 0, database).is_ok());
    match open {
        Some(database) => Ok(database.id),
        None => Err(vec![cannot_open(wanted), refused()]),
    }
}

fn enter(
    instance: &Arc<Instance>,
    login: &Login,
    version: u32,
    database_id: i32,
    stop: &CancellationToken,
) -> Admitted {
    let (kill, cut) = (CancellationToken::new(), stop.child_token());
    let name =
        instance.state().login(&login.user).map_or_else(|| login.user.clone(), |known| known.name.clone());
    let spid = instance.enter(Session {
        spid: 0,
        login: name.clone(),
        host: login.host.clone(),
        program: login.program.clone(),
        interface: login.interface.clone(),
        process: login.process,
        login_time: clock::now().naive_local(),
        database_id,
        uses: std::collections::BTreeSet::new(),
        transactions: 0,
        request: None,
        kill: kill.clone(),
        cut: cut.clone(),
    });
    Admitted { spid, login: name, database_id, version, kill, cut }
}

fn packet_bytes(login: &Login) -> usize {
    match usize::try_from(login.packet_bytes) {
        Ok(0) | Err(_) => PREFERRED_PACKET_BYTES,
        Ok(wanted) => wanted.clamp(*PACKET_BYTES_RANGE.start(), *PACKET_BYTES_RANGE.end()),
    }
}

fn refusal(errors: &[SqlError], server: &str) -> BytesMut {
    let mut out = BytesMut::new();
    for error in errors {
        token::error(&mut out, error, Origin { server, line: 1 });
    }
    token::done(&mut out, Done { kind: DoneKind::Statement, status: status::ERROR, command: 0, rows: 0 });
    out
}

fn welcome(login: &Login, identity: &Identity, database: &str, packet_bytes: usize) -> BytesMut {
    let server = identity.server_name();
    let origin = Origin { server: &server, line: 1 };
    let mut out = BytesMut::new();
    token::environment(&mut out, Change::Database(database, "master"));
    token::info(&mut out, &context_changed(database), origin);
    token::environment(&mut out, Change::Collation);
    token::environment(&mut out, Change::Language("us_english", ""));
    let language = SqlError::new(5703, "Changed language setting to us_english.").class(0);
    token::info(&mut out, &language, origin);
    token::login_ack(&mut out, login.acknowledged_version(), identity.version);
    if login.extended {
        token::feature_ack(&mut out, &login.features);
    }
    token::environment(&mut out, Change::PacketSize(packet_bytes, DEFAULT_PACKET_BYTES));
    token::done(&mut out, Done { kind: DoneKind::Statement, status: 0, command: 0, rows: 0 });
    out
}

/// 5701: what a client is told when its database changes.
pub fn context_changed(database: &str) -> SqlError {
    SqlError::new(5701, format!("Changed database context to '{database}'.")).class(0).state(2)
}
