//! Every key of the configuration: its kind, its default, and what it is for. The shipped file and its reference are held
//! against this table.

use super::units;
use crate::words::Words;
use std::time::Duration;

/// What may stand as the value of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A whole number between two.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A size with its unit.
    Bytes,
    /// A length of time with its unit, between two.
    Length(Duration, Duration),
    /// An absolute folder.
    Folder,
    /// Five crontab fields.
    Schedule,
    /// A reference to a secret.
    Secret,
}

/// What is in force where a key is not written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Preset {
    /// Nothing: it must be written.
    Required,
    /// Nothing, and that is well.
    Absent,
    /// This text.
    Text(&'static str),
    /// This number.
    Integer(i64),
    /// This answer.
    Boolean(bool),
    /// This list.
    List(&'static [&'static str]),
    /// Something that follows from other values or from the machine, in these words (Portuguese, English).
    Derived(&'static str, &'static str),
}

/// A key with everything that the reference says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub path: &'static str,
    pub kind: Kind,
    pub preset: Preset,
    pub pt: &'static str,
    pub en: &'static str,
}

/// What people may read about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// The key in full: `server.port`.
    pub key: &'static str,
    /// What may stand there.
    pub kind: Words,
    /// What is in force where it does not stand.
    pub default: Words,
    /// Whether it must stand there.
    pub required: bool,
    /// What it is for.
    pub words: Words,
}

macro_rules! keys {
    ($($name:ident = $path:literal, $kind:expr, $preset:expr, $pt:literal, $en:literal;)*) => {
        /// Names a key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Key { $($name,)* }

        impl Key {
            /// Every key, in the order of the shipped file.
            pub const ALL: &'static [Key] = &[$(Key::$name,)*];

            /// Its row of the table.
            pub const fn row(self) -> Row {
                match self {
                    $(Key::$name => Row { path: $path, kind: $kind, preset: $preset, pt: $pt, en: $en },)*
                }
            }
        }
    };
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

keys! {
    Version = "version", Kind::Integer(1, 1), Preset::Required,
        "Versão do formato deste arquivo.",
        "Version of this file's format.";
    Language = "language", Kind::Choice(&["pt", "en"]), Preset::Text("pt"),
        "Idioma das mensagens.",
        "Language of the messages.";

    LegalName = "shop.legal_name", Kind::Text, Preset::Required,
        "Razão social da empresa. Vai no manifesto de cada backup, para que se saiba de quem ele é.",
        "The company's legal name. Stands in each backup's manifest, so that one knows whose it is.";
    TradeName = "shop.trade_name", Kind::Text,
        Preset::Derived("a razão social", "the legal name"),
        "Nome fantasia.",
        "The shop's trade name.";
    Cnpj = "shop.cnpj", Kind::Text, Preset::Absent,
        "CNPJ, com ou sem pontuação; também o alfanumérico, de 2026.",
        "CNPJ, with or without punctuation; also the alphanumeric one of 2026.";
    Store = "shop.store", Kind::Text, Preset::Text("1"),
        "Número ou nome curto da loja. Faz parte da identidade da pasta de backup: cada loja da rede tem o seu.",
        "Number or short name of the store. Part of the backup folder's identity: each store of a chain has its own.";

    Host = "server.host", Kind::Text, Preset::Text("."),
        "Máquina do SQL Server: «.» é esta mesma. Aceita também SERVIDOR\\INSTANCIA e SERVIDOR,PORTA.",
        "Machine of SQL Server: «.» is this one. SERVER\\INSTANCE and SERVER,PORT are taken too.";
    Instance = "server.instance", Kind::Text, Preset::Absent,
        "Nome da instância (SQLEXPRESS, por exemplo). Sem ele, a instância padrão.",
        "Name of the instance (SQLEXPRESS, for example). Without it, the default instance.";
    Port = "server.port", Kind::Integer(1, 65_535), Preset::Absent,
        "Porta TCP. Sem ela, 1433, ou a que o SQL Browser informar para a instância.",
        "TCP port. Without it 1433, or what SQL Browser tells for the instance.";
    Encrypt = "server.encrypt", Kind::Choice(&["on", "login", "off"]), Preset::Text("on"),
        "Criptografia da conexão: «on» tudo, «login» só a senha, «off» nada (apenas para servidores sem TLS).",
        "Encryption of the connection: «on» all, «login» only the password, «off» nothing (only for servers without TLS).";
    TrustCertificate = "server.trust_server_certificate", Kind::Boolean,
        Preset::Derived("true para esta máquina, false para outra", "true for this machine, false for another"),
        "Aceitar um certificado que ninguém garante, como o que o próprio SQL Server gera.",
        "Take a certificate that nobody vouches for, such as the one that SQL Server makes by itself.";
    Login = "server.login", Kind::Choice(&["integrated", "sql"]),
        Preset::Derived("sql se houver server.user, senão integrated", "sql where server.user is given, else integrated"),
        "Como entrar: «integrated» com a conta do Windows do programa, «sql» com usuário e senha do SQL Server.",
        "How to log in: «integrated» by the program's Windows account, «sql» by a login and password of SQL Server.";
    User = "server.user", Kind::Text, Preset::Absent,
        "Usuário do SQL Server, para login = \"sql\".",
        "Login of SQL Server, for login = \"sql\".";
    Password = "server.password", Kind::Secret, Preset::Absent,
        "Senha, sempre por referência a uma variável de ambiente: \"${NOME}\". Nunca a própria senha.",
        "Password, always as a reference to an environment variable: \"${NAME}\". Never the password itself.";
    PasswordFile = "server.password_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é a senha, legível apenas pelo dono (chmod 600). Relativo à pasta deste arquivo.",
        "File whose first line is the password, readable by its owner only (chmod 600). Relative to this file's folder.";
    Service = "server.service", Kind::Text,
        Preset::Derived(
            "o serviço da instância nesta máquina (MSSQLSERVER, MSSQL$INSTANCIA; no Linux mssql-server)",
            "the instance's service on this machine (MSSQLSERVER, MSSQL$INSTANCE; on Linux mssql-server)"
        ),
        "Serviço do SQL Server a verificar a cada minuto; \"\" não verifica nenhum.",
        "Service of SQL Server to look after each minute; \"\" looks after none.";

    Databases = "backup.databases", Kind::List, Preset::List(&["MCDados"]),
        "Bancos de dados. Nesta versão exatamente um.",
        "Databases. Exactly one in this version.";
    ArchiveName = "backup.archive_name", Kind::Text, Preset::Text("MCDados"),
        "Nome dos arquivos, sem extensão: MCDados faz MCDados.bak e MCDados.zip.",
        "Name of the files, without ending: MCDados makes MCDados.bak and MCDados.zip.";
    BackupFolder = "backup.folder", Kind::Folder,
        Preset::Derived("a pasta do sistema para backups", "the system's folder for backups"),
        "Pasta de backup no servidor. O serviço do SQL Server precisa poder gravar nela.",
        "Backup folder on the server. SQL Server's service must be able to write to it.";
    FolderSeenByServer = "backup.folder_seen_by_server", Kind::Text,
        Preset::Derived("backup.folder", "backup.folder"),
        "A mesma pasta como o SQL Server a vê, se for diferente (contêiner, outra máquina).",
        "The same folder as SQL Server sees it, where that differs (container, another machine).";
    Schedule = "backup.schedule", Kind::Schedule, Preset::Text("0 * * * *"),
        "Quando fazer backup, em cinco campos: minuto hora dia mês dia-da-semana. \"0 * * * *\" é de hora em hora; \
         \"0 8-20 * * seg-sab\", das 8 às 20 de segunda a sábado. Onde várias lojas copiam para o mesmo terminal, dê a cada \
         uma o seu minuto: \"7 * * * *\".",
        "When to back up, in five fields: minute hour day month weekday. \"0 * * * *\" is every hour; \
         \"0 8-20 * * mon-sat\" from 8 to 20, Monday to Saturday. Where several stores copy to the same terminal, give each \
         its own minute: \"7 * * * *\".";
    RetryWait = "backup.retry_wait", Kind::Length(Duration::ZERO, Duration::from_secs(6 * HOUR)), Preset::Text("5 min"),
        "Espera antes da segunda tentativa de um backup que falhou.",
        "Wait before the second try of a backup that failed.";
    Reserve = "backup.reserve", Kind::Bytes, Preset::Text("1 GB"),
        "Espaço que deve ficar livre no disco de backup.",
        "Space that must stay free on the backup's disk.";
    SlotsFloor = "backup.slots_floor", Kind::Integer(1, 24), Preset::Integer(6),
        "Quantos horários ficam guardados mesmo quando falta espaço.",
        "How many hours are kept even when space is short.";
    TooOld = "backup.too_old", Kind::Length(Duration::from_secs(30 * MINUTE), Duration::from_secs(400 * DAY)),
        Preset::Derived(
            "o maior intervalo de backup.schedule mais 2 h (3 h para de hora em hora)",
            "the longest interval of backup.schedule plus 2 h (3 h for every hour)"
        ),
        "Idade do último backup bom a partir da qual se avisa que ele está velho.",
        "Age of the last good backup from which on it is called too old.";
    AcceptShrunk = "backup.accept_shrunk", Kind::Boolean, Preset::Boolean(false),
        "Aceitar um banco que encolheu mais da metade: confirme aqui depois de verificar, e volte a false após o backup.",
        "Accept a database that shrank by more than half: confirm it here once checked, and turn it off after the backup.";
    RestoreTest = "backup.restore_test", Kind::Length(Duration::ZERO, Duration::from_secs(90 * DAY)), Preset::Text("7 d"),
        "De quanto em quanto tempo o backup mais novo é restaurado ao lado, conferido e removido, para provar que restaura. \
         \"0 s\" desliga o teste.",
        "How often the newest backup is restored beside, checked and removed, to prove that it can be. \"0 s\" turns the test \
         off.";

    TerminalFolder = "terminal.folder", Kind::Folder,
        Preset::Derived("é preciso local_only = true", "local_only = true is needed"),
        "Pasta do terminal de backup, em outra máquina: compartilhamento ou ponto de montagem.",
        "Folder of the backup terminal, on another machine: a share or where it is mounted.";
    LocalOnly = "terminal.local_only", Kind::Boolean, Preset::Boolean(false),
        "true quando a loja só tem este computador: sem terminal, os dados ficam em uma única máquina.",
        "true where the shop has only this computer: without a terminal the data are on one machine only.";
    AllowSameVolume = "terminal.allow_same_volume", Kind::Boolean, Preset::Boolean(false),
        "Apenas para testes: aceitar como terminal uma pasta do mesmo disco.",
        "For trials only: take a folder of the same disk for a terminal.";

    ReopenAfter = "agent.reopen_after", Kind::Length(Duration::ZERO, Duration::from_secs(DAY)), Preset::Text("1 h"),
        "Quanto tempo depois de «Fechar» o programa ao lado do relógio abre de novo sozinho; \"0 s\" não abre. Abrir o sistema da \
         loja o abre antes.",
        "How long after «Fechar» the program beside the clock starts again by itself; \"0 s\" never. Opening the store's \
         application starts it before.";

    MailTo = "alert.email.to", Kind::List, Preset::List(&[]),
        "Quem recebe os avisos por e-mail. Sem ninguém, não há avisos por e-mail.",
        "Who gets the alerts by e-mail. With nobody, there are no alerts by e-mail.";
    MailHost = "alert.email.host", Kind::Text, Preset::Absent,
        "Servidor de e-mail (SMTP). O certificado dele precisa ser válido para este nome.",
        "Mail server (SMTP). Its certificate must be valid for this name.";
    MailSecurity = "alert.email.security", Kind::Choice(&["starttls", "tls"]), Preset::Text("starttls"),
        "Criptografia: «starttls» começa em claro e muda antes de dizer qualquer coisa, «tls» desde o primeiro byte.",
        "Encryption: «starttls» begins in clear and changes over before anything is said, «tls» from the first byte on.";
    MailPort = "alert.email.port", Kind::Integer(1, 65_535),
        Preset::Derived("587 para starttls, 465 para tls", "587 for starttls, 465 for tls"),
        "Porta do servidor de e-mail.",
        "Port of the mail server.";
    MailUser = "alert.email.user", Kind::Text, Preset::Absent,
        "Usuário no servidor de e-mail; sem ele, o servidor é usado sem login.",
        "User at the mail server; without it the server is used without a login.";
    MailPassword = "alert.email.password", Kind::Secret, Preset::Absent,
        "Senha no servidor de e-mail, por referência a uma variável de ambiente: \"${NOME}\". No Gmail é uma senha de app.",
        "Password at the mail server, as a reference to an environment variable: \"${NAME}\". At Gmail it is an app password.";
    MailPasswordFile = "alert.email.password_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é essa senha, legível apenas pelo dono (chmod 600). Relativo à pasta deste arquivo.",
        "File whose first line is that password, readable by its owner only (chmod 600). Relative to this file's folder.";
    MailFrom = "alert.email.from", Kind::Text,
        Preset::Derived("alert.email.user, se for um endereço; senão o primeiro de alert.email.to",
            "alert.email.user, where that is an address; else the first of alert.email.to"),
        "Endereço do remetente.",
        "Address of the sender.";
    WebhookUrl = "alert.webhook.url", Kind::Secret, Preset::Absent,
        "Endereço que recebe os avisos em JSON (POST), por referência a uma variável de ambiente: \"${NOME}\".",
        "Address that gets the alerts as JSON (POST), as a reference to an environment variable: \"${NAME}\".";
    WebhookUrlFile = "alert.webhook.url_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é esse endereço, legível apenas pelo dono.",
        "File whose first line is that address, readable by its owner only.";
    TelegramChat = "alert.telegram.chat", Kind::Text, Preset::Absent,
        "Conversa do Telegram que recebe os avisos: o número dela, ou \"@nome\" de um canal.",
        "Telegram chat that gets the alerts: its number, or \"@name\" of a channel.";
    TelegramToken = "alert.telegram.token", Kind::Secret, Preset::Absent,
        "Token do robô do Telegram, por referência a uma variável de ambiente: \"${NOME}\".",
        "Token of the Telegram bot, as a reference to an environment variable: \"${NAME}\".";
    TelegramTokenFile = "alert.telegram.token_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é esse token, legível apenas pelo dono.",
        "File whose first line is that token, readable by its owner only.";
    TelegramBaseUrl = "alert.telegram.base_url", Kind::Text, Preset::Text("https://api.telegram.org"),
        "Onde está a interface dos robôs do Telegram; outra só para um servidor próprio.",
        "Where the Telegram bot interface is; another one only for a server of one's own.";
    HeartbeatUrl = "alert.heartbeat.url", Kind::Secret, Preset::Absent,
        "Endereço do sinal de vida, à maneira do healthchecks, por referência a uma variável de ambiente: \"${NOME}\".",
        "Address of the heartbeat, in healthchecks' manner, as a reference to an environment variable: \"${NAME}\".";
    HeartbeatUrlFile = "alert.heartbeat.url_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é esse endereço, legível apenas pelo dono.",
        "File whose first line is that address, readable by its owner only.";

    OfficeServer = "head_office.server", Kind::Text, Preset::Absent,
        "SQL Server da matriz, para «Atualizar IP» (redes de lojas): MAQUINA, MAQUINA\\INSTANCIA ou MAQUINA,PORTA. Sem ele, a loja \
         não faz parte de uma rede. A conexão é sempre criptografada, e o certificado precisa ser válido para este nome.",
        "SQL Server of the head office, for «Atualizar IP» (chains): MACHINE, MACHINE\\INSTANCE or MACHINE,PORT. Without it the \
         store belongs to no chain. The connection is always encrypted, and the certificate must be valid for this name.";
    OfficeDatabase = "head_office.database", Kind::Text, Preset::Absent,
        "Banco de dados da matriz em que o IP desta loja é gravado.",
        "Database of the head office that takes this store's address.";
    OfficeUser = "head_office.user", Kind::Text, Preset::Absent,
        "Usuário no SQL Server da matriz; basta que possa executar a instrução abaixo.",
        "Login of the head office's SQL Server; it need only be allowed to run the statement below.";
    OfficePassword = "head_office.password", Kind::Secret, Preset::Absent,
        "Senha na matriz, por referência a uma variável de ambiente: \"${NOME}\".",
        "Password at the head office, as a reference to an environment variable: \"${NAME}\".";
    OfficePasswordFile = "head_office.password_file", Kind::Text, Preset::Absent,
        "Arquivo cuja primeira linha é essa senha, legível apenas pelo dono (chmod 600). Relativo à pasta deste arquivo.",
        "File whose first line is that password, readable by its owner only (chmod 600). Relative to this file's folder.";
    OfficeCertificate = "head_office.certificate", Kind::Text, Preset::Absent,
        "Arquivo PEM com o certificado da matriz, ou da autoridade que o emitiu, quando esta máquina ainda não confia nele. \
         Relativo à pasta deste arquivo.",
        "PEM file with the head office's certificate, or that of the authority which issued it, where this machine does not trust \
         it yet. Relative to this file's folder.";
    OfficeStatement = "head_office.statement", Kind::Text, Preset::Absent,
        "Instrução T-SQL que grava o IP, com os parâmetros @ip, @loja (shop.store) e @cnpj (só números e letras). Precisa alterar \
         uma linha: se não alterar nenhuma, a matriz não conhece esta loja.",
        "T-SQL statement that stores the address, with the parameters @ip, @loja (shop.store) and @cnpj (digits and letters only). \
         It must change a row: where it changes none, the head office does not know this store.";

    UpdateUrl = "update.url", Kind::Text, Preset::Absent,
        "Endereço do aviso de versão, assinado por quem publica o programa. Sem ele, não se procuram versões novas.",
        "Address of the notice of versions, signed by whoever publishes the program. Without it newer versions are not looked for.";
    UpdateInterval = "update.interval", Kind::Length(Duration::from_secs(HOUR), Duration::from_secs(30 * DAY)),
        Preset::Text("1 d"),
        "De quanto em quanto tempo se procura uma versão nova.",
        "How often a newer version is looked for.";
    UpdateOff = "update.off", Kind::Boolean, Preset::Boolean(false),
        "true para não procurar versões novas.",
        "true for not looking for newer versions.";
}

impl Key {
    /// The key with this full path.
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.path() == path)
    }

    /// The key in full.
    pub const fn path(self) -> &'static str {
        self.row().path
    }

    /// Whether `path` is a table of the file.
    pub fn is_table(path: &str) -> bool {
        Self::ALL.iter().any(|key| key.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// What may stand as its value, in words that fit after «expected:».
    pub fn expected(self) -> Words {
        match self.row().kind {
            Kind::Text if self == Self::LegalName => {
                crate::words!("a razão social da empresa, entre aspas", "the company's legal name, in quotes")
            }
            Kind::Text if self == Self::Cnpj => crate::words!("um CNPJ entre aspas", "a CNPJ in quotes"),
            Kind::Text => crate::words!("um texto entre aspas", "a text in quotes"),
            Kind::Integer(only, last) if only == last => crate::words!("{only}", "{only}"),
            Kind::Integer(first, last) => {
                crate::words!(
                    "um número inteiro de {first} a {last}",
                    "a whole number from {first} to {last}"
                )
            }
            Kind::Boolean => crate::words!("true ou false, sem aspas", "true or false, without quotes"),
            Kind::List => crate::words!(
                "uma lista de textos, como [\"MCDados\"]",
                "a list of texts, such as [\"MCDados\"]"
            ),
            Kind::Choice(words) => {
                let list = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
                let (pt, en) = (list.join(" ou "), list.join(" or "));
                crate::words!("{pt}", "{en}")
            }
            Kind::Bytes => crate::words!(
                "um tamanho com unidade, como \"500 MB\" ou \"2 GB\"",
                "a size with its unit, such as \"500 MB\" or \"2 GB\""
            ),
            Kind::Length(least, most) => {
                let (least, most) = (units::duration_text(least), units::duration_text(most));
                crate::words!(
                    "um tempo com unidade, como \"15 min\" ou \"3 h\", de {least} a {most}",
                    "a length of time with its unit, such as \"15 min\" or \"3 h\", from {least} to {most}"
                )
            }
            Kind::Folder => crate::words!(
                "o caminho completo de uma pasta, entre aspas simples",
                "the full path of a folder, in single quotes"
            ),
            Kind::Schedule => crate::schedule::expected(),
            Kind::Secret => crate::words!(
                "uma referência a uma variável de ambiente, \"${{NOME}}\"",
                "a reference to an environment variable, \"${{NAME}}\""
            ),
        }
    }

    fn default_words(self) -> Words {
        match self.row().preset {
            Preset::Required => crate::words!("obrigatória", "required"),
            Preset::Absent => crate::words!("nenhum", "none"),
            Preset::Text(text) => Words::same(format!("\"{text}\"")),
            Preset::Integer(number) => Words::same(number.to_string()),
            Preset::Boolean(answer) => Words::same(answer.to_string()),
            Preset::List(list) => Words::same(format!("{list:?}")),
            Preset::Derived(pt, en) => Words { pt: pt.to_owned(), en: en.to_owned() },
        }
    }
}

/// Every key of the configuration, in the order of the shipped file.
pub fn reference() -> Vec<KeyDoc> {
    let doc = |key: &Key| {
        let row = key.row();
        KeyDoc {
            key: row.path,
            kind: key.expected(),
            default: key.default_words(),
            required: row.preset == Preset::Required,
            words: Words { pt: row.pt.to_owned(), en: row.en.to_owned() },
        }
    };
    Key::ALL.iter().map(doc).collect()
}
