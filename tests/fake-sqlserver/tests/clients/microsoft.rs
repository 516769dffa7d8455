//! Microsoft's own client for Rust, `mssql-tds`: it shows every message, row and return value that the server sends.

use fake_sqlserver::fault::{Action, Fault, StatementKind};
use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::{PreparedStatement, ResultSet, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{EncryptionOptions, EncryptionSetting, TdsResult};
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::SqlString;
use mssql_tds::datatypes::sqltypes::SqlType;
use mssql_tds::error::{Error, SqlErrorInfo};
use mssql_tds::message::parameters::rpc_parameters::{RpcParameter, StatusFlags};
use mssql_tds::message::transaction_management::TransactionIsolationLevel;

use crate::support::{Fixture, PASSWORD, server};

async fn open(fixture: &Fixture, mode: EncryptionSetting, password: &str) -> TdsResult<TdsClient> {
    let address = fixture.server.address();
    // Strict encryption trusts nothing but a certificate that it was given.
    let certificate = fixture.path("certificate.der");
    std::fs::write(&certificate, fixture.server.certificate()).unwrap();
    let strict = matches!(mode, EncryptionSetting::Strict);
    let mut context = ClientContext::default();
    context.user_name = "sa".into();
    context.password = password.into();
    context.database = "MCDados".into();
    context.encryption_options = EncryptionOptions {
        mode,
        trust_server_certificate: !strict,
        server_certificate: strict.then_some(certificate),
        ..EncryptionOptions::new()
    };
    let source = format!("tcp:127.0.0.1,{}", address.port());
    TdsConnectionProvider::new().create_client(context, &source, None).await
}

async fn client(fixture: &Fixture) -> TdsClient {
    open(fixture, EncryptionSetting::PreferOff, PASSWORD).await.unwrap()
}

/// All rows of the first result that has any.
async fn rows(client: &mut TdsClient) -> Vec<Vec<ColumnValues>> {
    let mut rows = Vec::new();
    if client.on_rows() || client.advance_to_rows().await.unwrap() {
        while let Some(row) = client.next_row().await.unwrap() {
            rows.push(row);
        }
    }
    client.close_query().await.unwrap();
    rows
}

fn text(value: &ColumnValues) -> String {
    let ColumnValues::String(text) = value else { panic!("no text: {value:?}") };
    text.to_utf8_string()
}

fn errors<T>(result: TdsResult<T>) -> Vec<SqlErrorInfo> {
    match result {
        Err(Error::SqlServerError { diagnostics }) => diagnostics.errors,
        Err(other) => panic!("not an error of the server: {other}"),
        Ok(_) => panic!("it succeeded"),
    }
}

fn parameter(name: &str, value: SqlType) -> RpcParameter {
    RpcParameter::new(Some(name.to_owned()), StatusFlags::NONE, value)
}

#[tokio::test]
async fn it_logs_in_in_clear_with_an_encrypted_login_wholly_encrypted_and_strictly() {
    let fixture = server();
    for mode in [
        EncryptionSetting::PreferOff,
        EncryptionSetting::On,
        EncryptionSetting::Required,
        EncryptionSetting::Strict,
    ] {
        let mut client = open(&fixture, mode, PASSWORD).await.unwrap();
        assert_eq!(client.database(), "MCDados");
        client.execute("SELECT @@VERSION, @@SERVERNAME".into(), ()).await.unwrap();
        let rows = rows(&mut client).await;
        assert!(text(&rows[0][0]).starts_with("Microsoft SQL Server 2022"), "{mode:?}");
        client.close_connection().await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_is_18456_with_state_1() {
    let fixture = server();
    let errors = errors(open(&fixture, EncryptionSetting::On, "errada").await);
    assert_eq!((errors[0].number, errors[0].class, errors[0].state), (18456, 14, 1));
}

#[tokio::test]
async fn a_backup_says_what_the_real_server_says_step_by_step() {
    let fixture = server();
    let mut client = client(&fixture).await;
    client.execute(fixture.backup("a.bak"), ()).await.unwrap();
    client.close_query().await.unwrap();
    let messages = client.take_info_messages();
    assert!(messages.iter().all(|message| message.class == 0));
    let numbers: Vec<u32> = messages.iter().map(|message| message.number).collect();
    let (steps, rest) = numbers.split_at(numbers.len() - 3);
    assert!(steps.len() >= 5 && steps.iter().all(|number| *number == 3211), "{numbers:?}");
    assert_eq!(rest, [4035, 4035, 3014]);
    let last = &messages[messages.len() - 1].message;
    assert!(last.starts_with("BACKUP DATABASE successfully processed "), "{last}");
    assert_eq!(messages[steps.len() - 1].message, "100 percent processed.");
}

#[tokio::test]
async fn a_failed_backup_has_its_cause_and_then_3013() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let failed = errors(client.execute(fixture.backup("nenhuma/a.bak"), ()).await);
    let numbers: Vec<u32> = failed.iter().map(|error| error.number).collect();
    assert_eq!(numbers, [3201, 3013]);
    assert_eq!(failed[0].class, 16);
    // The session goes on.
    client.execute("SELECT 1".into(), ()).await.unwrap();
    assert_eq!(rows(&mut client).await, [[ColumnValues::Int(1)]]);
}

#[tokio::test]
async fn a_restore_says_what_the_real_server_says_step_by_step() {
    let fixture = server();
    let mut client = client(&fixture).await;
    client.execute(fixture.backup("a.bak"), ()).await.unwrap();
    client.close_query().await.unwrap();
    client.take_info_messages();
    client.execute(fixture.restore("a.bak", "Novo"), ()).await.unwrap();
    client.close_query().await.unwrap();
    let messages = client.take_info_messages();
    let numbers: Vec<u32> = messages.iter().map(|message| message.number).collect();
    let (steps, rest) = numbers.split_at(numbers.len() - 3);
    assert!(steps.len() >= 5 && steps.iter().all(|number| *number == 3211), "{numbers:?}");
    assert_eq!(rest, [4035, 4035, 3014]);
    let last = &messages[messages.len() - 1].message;
    assert!(last.starts_with("RESTORE DATABASE successfully processed "), "{last}");
    assert!(messages[steps.len()].message.contains("for database 'Novo', file 'MCDados' on file 1."));
}

#[tokio::test]
async fn a_failed_restore_names_every_cause_and_then_3013() {
    let fixture = server();
    let mut client = client(&fixture).await;
    client.execute(fixture.backup("a.bak"), ()).await.unwrap();
    client.close_query().await.unwrap();
    let taken = fixture.restore("a.bak", "Novo").replace("Novo.mdf", "MCDados.mdf");
    let failed = errors(client.execute(taken, ()).await);
    let told: Vec<(u32, u8)> = failed.iter().map(|error| (error.number, error.state)).collect();
    assert_eq!(told, [(1834, 1), (3156, 4), (3119, 1), (3013, 1)]);
    let missing = fixture.restore("nada.bak", "Novo");
    let failed = errors(client.execute(missing, ()).await);
    let told: Vec<(u32, u8)> = failed.iter().map(|error| (error.number, error.state)).collect();
    assert_eq!(told, [(3201, 2), (3013, 1)]);
    let failed = errors(client.execute("ALTER DATABASE [nada] SET MULTI_USER".into(), ()).await);
    let told: Vec<(u32, u8, i32)> =
        failed.iter().map(|error| (error.number, error.state, error.class)).collect();
    assert_eq!(told, [(5011, 5, 14), (5069, 1, 16)]);
}

#[tokio::test]
async fn parameters_of_every_kind_arrive_and_come_back() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let sql = "SELECT @i AS i, @b AS b, @t AS t, @l AS l, @f AS f, @n AS n";
    let parameters = vec![
        parameter("@i", SqlType::Int(Some(-7))),
        parameter("@b", SqlType::Bit(Some(true))),
        parameter("@t", SqlType::NVarchar(Some(SqlString::from_utf8_string("ação".into())), 20)),
        parameter("@l", SqlType::BigInt(Some(1 << 40))),
        parameter("@f", SqlType::Float(Some(2.5))),
        parameter("@n", SqlType::Int(None)),
    ];
    client.execute_sp_executesql(sql.into(), parameters, ()).await.unwrap();
    let rows = rows(&mut client).await;
    assert_eq!(rows[0][0], ColumnValues::Int(-7));
    assert_eq!(rows[0][1], ColumnValues::Bit(true));
    assert_eq!(text(&rows[0][2]), "ação");
    assert_eq!(rows[0][3], ColumnValues::BigInt(1 << 40));
    assert_eq!(rows[0][4], ColumnValues::Float(2.5));
    assert_eq!(rows[0][5], ColumnValues::Null);
}

#[tokio::test]
async fn a_prepared_statement_is_executed_again_under_its_handle() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let mut statement = PreparedStatement::new("SELECT @x + 1");
    let mut orphaned = None;
    for number in [1, 41] {
        let parameters = vec![parameter("@x", SqlType::Int(Some(number)))];
        client.execute_prepared(&mut statement, parameters, &mut orphaned, ()).await.unwrap();
        assert_eq!(rows(&mut client).await, [[ColumnValues::Int(number + 1)]]);
    }
    let id = statement.take_id().unwrap();
    client.unprepare(id, ()).await.unwrap();
}

#[tokio::test]
async fn many_packets_and_several_results_come_through() {
    let fixture = server();
    let mut client = client(&fixture).await;
    client
        .execute("SELECT * FROM ITENS_VENDA; SELECT COUNT(*) FROM ITENS_VENDA; PRINT N'fim'".into(), ())
        .await
        .unwrap();
    let mut count = 0;
    while client.next_row().await.unwrap().is_some() {
        count += 1;
    }
    assert!(count > 1000, "{count}");
    assert!(client.advance_to_rows().await.unwrap());
    assert_eq!(client.next_row().await.unwrap(), Some(vec![ColumnValues::Int(count)]));
    client.close_query().await.unwrap();
    assert_eq!(
        client.take_info_messages().last().map(|message| message.message.clone()),
        Some("fim".to_owned())
    );
}

#[tokio::test]
async fn an_attention_ends_a_statement_and_not_the_session() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 30.0 }).once());
    let mut client = client(&fixture).await;
    // The first messages of the backup return control; the rest is abandoned.
    client.execute(format!("SELECT 1; {}", fixture.backup("a.bak")), ()).await.unwrap();
    fixture.server.backup_reached(30.0).await;
    client.cancel_query(10).await.unwrap();
    assert!(!fixture.path("a.bak").exists());
    client.execute("SELECT 2".into(), ()).await.unwrap();
    assert_eq!(rows(&mut client).await, [[ColumnValues::Int(2)]]);
}

#[tokio::test]
async fn transactions_of_the_protocol_are_carried_out() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let insert = "INSERT INTO ESTOQUE VALUES (900000, 1, 1, '2026-11-22')";
    let count = "SELECT COUNT(*) FROM ESTOQUE WHERE ID_PRODUTO = 900000";
    for (commit, expected) in [(false, 0), (true, 1)] {
        client.begin_transaction(TransactionIsolationLevel::ReadCommitted, None).await.unwrap();
        client.execute(insert.into(), ()).await.unwrap();
        client.close_query().await.unwrap();
        let refused = errors(client.execute(fixture.backup("a.bak"), ()).await);
        assert_eq!((refused[0].number, refused[0].state), (3021, 0));
        if commit {
            client.commit_transaction(None, None).await.unwrap();
        } else {
            client.rollback_transaction(None, None).await.unwrap();
        }
        client.execute(count.into(), ()).await.unwrap();
        assert_eq!(rows(&mut client).await, [[ColumnValues::Int(expected)]]);
    }
}
