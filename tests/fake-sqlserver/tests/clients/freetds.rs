//! FreeTDS, the oldest free client: `tsql` of the Debian package `freetds-bin`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::{Fixture, PASSWORD, server};

/// Runs batches through `tsql`, with an encryption word of its configuration.
fn tsql(fixture: &Fixture, encryption: &str, version: &str, password: &str, batches: &[&str]) -> Output {
    let configuration = fixture.path("freetds.conf");
    let address = fixture.server.address();
    let text = format!(
        "[loja]\nhost = {}\nport = {}\ntds version = {version}\nencryption = {encryption}\nclient charset = UTF-8\n",
        address.ip(),
        address.port()
    );
    std::fs::write(&configuration, text).unwrap();
    let mut child = Command::new("tsql")
        .args(["-S", "loja", "-U", "sa", "-P", password])
        .env("FREETDSCONF", &configuration)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tsql is missing: install the Debian package freetds-bin");
    let mut input = child.stdin.take().unwrap();
    for batch in batches {
        writeln!(input, "{batch}\nGO").unwrap();
    }
    writeln!(input, "exit").unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn freetds_selects_in_clear_and_encrypted_in_several_versions_of_the_protocol() {
    let fixture = server();
    for (encryption, version) in
        [("off", "7.4"), ("request", "7.4"), ("require", "7.4"), ("off", "7.3"), ("off", "7.2")]
    {
        let output =
            tsql(&fixture, encryption, version, PASSWORD, &["SELECT N'ação' AS texto, 1 + 1 AS dois"]);
        let shown = shown(&output);
        assert!(shown.contains("ação\t2"), "{encryption} {version}: {shown}");
        assert!(output.status.success(), "{encryption} {version}: {shown}");
    }
}

#[test]
fn freetds_shows_dates_decimals_and_nulls() {
    let fixture = server();
    let sql = "SELECT CAST('2026-11-22' AS date), CAST(12.5 AS decimal(10,2)), NULL, CAST(1 AS bit), \
               CAST('2026-11-22 09:15' AS datetime2(0)), CAST(N'x' AS nvarchar(max))";
    let shown = shown(&tsql(&fixture, "off", "7.4", PASSWORD, &[sql]));
    assert!(shown.contains("12.50\tNULL\t1\t"), "{shown}");
}

#[test]
fn freetds_is_told_errors_by_number_and_goes_on() {
    let fixture = server();
    let batches = ["SELECT * FROM nada", "FOO BAR", "EXEC sp_nada", "SELECT 3 AS tres"];
    let shown = shown(&tsql(&fixture, "off", "7.4", PASSWORD, &batches));
    for expected in ["Msg 208 ", "Msg 102 ", "Msg 2812 ", "tres\n3\n"] {
        assert!(shown.contains(expected), "{expected} is not in {shown}");
    }
}

#[test]
fn freetds_backs_up_and_hears_how_far_it_is() {
    let fixture = server();
    let backup = fixture.backup("a.bak");
    let shown = shown(&tsql(&fixture, "off", "7.4", PASSWORD, &[&backup]));
    assert!(shown.contains("100 percent processed."), "{shown}");
    assert!(shown.contains("BACKUP DATABASE successfully processed"), "{shown}");
    fake_sqlserver::mtf::verify(fixture.path("a.bak"), true).unwrap();
}

#[test]
fn freetds_restores_checks_renames_and_drops() {
    let fixture = server();
    let batches = [
        fixture.backup("a.bak"),
        fixture.restore("a.bak", "Novo"),
        "DBCC CHECKDB (Novo)".to_owned(),
        "ALTER DATABASE [Novo] MODIFY NAME = [Nova]".to_owned(),
        "DROP DATABASE [Nova]".to_owned(),
        "SELECT COUNT(*) AS sobrou FROM sys.databases WHERE name LIKE 'Nov%'".to_owned(),
    ];
    let batches: Vec<&str> = batches.iter().map(String::as_str).collect();
    let shown = shown(&tsql(&fixture, "off", "7.4", PASSWORD, &batches));
    for expected in [
        "RESTORE DATABASE successfully processed",
        "CHECKDB found 0 allocation errors and 0 consistency errors in database 'Novo'.",
        "The database name 'Nova' has been set.",
        "sobrou\n0\n",
    ] {
        assert!(shown.contains(expected), "{expected} is not in {shown}");
    }
}

#[test]
fn freetds_with_a_wrong_password_is_refused() {
    let fixture = server();
    let output = tsql(&fixture, "request", "7.4", "errada", &[]);
    assert!(!output.status.success());
    assert!(shown(&output).contains("Login failed for user 'sa'."), "{}", shown(&output));
}
