//! A client of the stand-in that is none of ours: the store's application, or whoever compares rows.

use crate::support::sqlserver::{PASSWORD, StandIn};
use std::net::SocketAddr;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// The tables of the stand-in's pharmacy.
pub const TABLES: [&str; 5] = ["PRODUTOS", "ESTOQUE", "CLIENTES", "VENDAS", "ITENS_VENDA"];

/// A connection of another program.
pub struct Application(Client<Compat<TcpStream>>);

impl Application {
    /// The store's application, logged in as `sa`.
    pub async fn connect(standin: &StandIn) -> Self {
        Self::at(standin.handle.address()).await
    }

    /// The same at this address.
    pub async fn at(address: SocketAddr) -> Self {
        let mut config = Config::new();
        config.host("127.0.0.1");
        config.port(address.port());
        config.authentication(AuthMethod::sql_server("sa", PASSWORD));
        config.encryption(EncryptionLevel::NotSupported);
        Self::with(config).await
    }

    /// The same by this way.
    pub async fn with(mut config: Config) -> Self {
        config.application_name("DMASTER FARMA");
        let stream = TcpStream::connect(config.get_addr()).await.unwrap();
        Self(Client::connect(config, stream.compat_write()).await.unwrap())
    }

    /// Runs a statement.
    pub async fn run(&mut self, statement: &str) {
        self.try_run(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Runs a statement that may fail.
    pub async fn try_run(&mut self, statement: &str) -> Result<(), tiberius::error::Error> {
        self.0.simple_query(statement).await?.into_results().await.map(drop)
    }

    /// The rows of a query, as sorted text.
    pub async fn rows(&mut self, query: &str) -> Vec<String> {
        let stream = self.0.simple_query(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        let rows = stream.into_first_result().await.unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut rows: Vec<String> = rows
            .iter()
            .map(|row| format!("{:?}", row.cells().map(|(_, cell)| cell).collect::<Vec<_>>()))
            .collect();
        rows.sort();
        rows
    }

    /// Every row of every table of `database`.
    pub async fn contents(&mut self, database: &str) -> Vec<Vec<String>> {
        let mut contents = Vec::new();
        for table in TABLES {
            contents.push(self.rows(&format!("SELECT * FROM [{database}].dbo.[{table}]")).await);
        }
        contents
    }

    /// The names of the databases, but for the server's own.
    pub async fn databases(&mut self) -> Vec<String> {
        let own = ["master", "tempdb", "model", "msdb"];
        let found = self.0.simple_query("SELECT name FROM sys.databases").await.unwrap();
        let found = found.into_first_result().await.unwrap();
        let mut names: Vec<String> =
            found.iter().filter_map(|row| row.get::<&str, _>(0)).map(str::to_owned).collect();
        names.retain(|name| !own.contains(&name.as_str()));
        names.sort();
        names
    }
}
