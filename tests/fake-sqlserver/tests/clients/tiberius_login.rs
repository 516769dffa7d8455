//! tiberius: login, TLS, ordinary statements.

use tiberius::EncryptionLevel;

use crate::support::{config, connect, server};

#[tokio::test]
async fn tiberius_logs_in_at_every_level_of_encryption_and_selects_one() {
    let fixture = server();
    for level in
        [EncryptionLevel::NotSupported, EncryptionLevel::Off, EncryptionLevel::On, EncryptionLevel::Required]
    {
        let mut config = config(&fixture.server);
        config.encryption(level);
        let mut client = connect(config).await.unwrap();
        let row = client.simple_query("SELECT 1").await.unwrap().into_row().await.unwrap().unwrap();
        assert_eq!(row.get::<i32, _>(0), Some(1), "{level:?}");
        let row = client.query("SELECT @P1 AS texto, @@SPID", &[&"ação"]).await.unwrap();
        let row = row.into_row().await.unwrap().unwrap();
        assert_eq!(row.get::<&str, _>("texto"), Some("ação"));
        assert!(row.get::<i16, _>(1) >= Some(51));
    }
}
