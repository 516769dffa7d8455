//! What the server says it is.

/// An edition of SQL Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Free, at most 10 GB a database, no compression
    Express,
    /// The small paid one
    Standard,
    /// The large paid one
    Enterprise,
    /// Like Enterprise, for tests
    Developer,
}

impl Edition {
    /// `SERVERPROPERTY('Edition')`
    pub fn name(self) -> &'static str {
        match self {
            Self::Express => "Express Edition (64-bit)",
            Self::Standard => "Standard Edition (64-bit)",
            Self::Enterprise => "Enterprise Edition (64-bit)",
            Self::Developer => "Developer Edition (64-bit)",
        }
    }

    /// `SERVERPROPERTY('EngineEdition')`
    pub fn engine(self) -> i64 {
        match self {
            Self::Express => 4,
            Self::Standard => 2,
            Self::Enterprise | Self::Developer => 3,
        }
    }

    /// `SERVERPROPERTY('EditionID')`
    pub fn id(self) -> i64 {
        match self {
            Self::Express => -1_592_396_055,
            Self::Standard => -1_534_726_760,
            Self::Enterprise => 1_804_890_536,
            Self::Developer => -2_117_995_310,
        }
    }

    /// Whether BACKUP can compress.
    pub fn compresses(self) -> bool {
        self != Self::Express
    }
}

/// Name, version and edition of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The machine's name
    pub machine: String,
    /// The instance's name, `None` for the default one
    pub instance: Option<String>,
    /// Major, minor, build
    pub version: (u8, u8, u16),
    /// The revision after the build
    pub revision: u16,
    /// The edition
    pub edition: Edition,
}

impl Default for Identity {
    /// SQL Server 2022 Express, as it comes out of the box.
    fn default() -> Self {
        Self {
            machine: "LOJA01".to_owned(),
            instance: Some("SQLEXPRESS".to_owned()),
            version: (16, 0, 1000),
            revision: 6,
            edition: Edition::Express,
        }
    }
}

impl Identity {
    /// `@@SERVERNAME`
    pub fn server_name(&self) -> String {
        match &self.instance {
            None => self.machine.clone(),
            Some(instance) => format!("{}\\{instance}", self.machine),
        }
    }

    /// `SERVERPROPERTY('ProductVersion')`
    pub fn product_version(&self) -> String {
        let (major, minor, build) = self.version;
        format!("{major}.{minor}.{build}.{}", self.revision)
    }

    /// The year that people call this version by.
    fn year(&self) -> &'static str {
        match self.version.0 {
            0..=9 => "2005",
            10 if self.version.1 < 50 => "2008",
            10 => "2008 R2",
            11 => "2012",
            12 => "2014",
            13 => "2016",
            14 => "2017",
            15 => "2019",
            _ => "2022",
        }
    }

    /// The version that databases made by this server have inside.
    pub fn database_version(&self) -> u16 {
        match self.version.0 {
            0..=9 => 611,
            10 if self.version.1 < 50 => 655,
            10 => 661,
            11 => 706,
            12 => 782,
            13 => 852,
            14 => 869,
            15 => 904,
            _ => 957,
        }
    }

    /// The compatibility level that a new database gets.
    pub fn compatibility(&self) -> u8 {
        self.version.0.saturating_mul(10).clamp(90, 160)
    }

    /// `@@VERSION`
    pub fn version_text(&self) -> String {
        format!(
            "Microsoft SQL Server {} (RTM) - {} (X64) \n\tOct  8 2022 05:58:25 \n\tCopyright (C) 2022 Microsoft \
             Corporation\n\t{} on Windows 10 Pro 10.0 <X64> (Build 19045: )\n",
            self.year(),
            self.product_version(),
            self.edition.name(),
        )
    }
}
