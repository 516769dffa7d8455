//! Errors as SQL Server numbers them. Numbers, classes, states and texts are those of SQL Server 2022.

use std::fmt;

/// One error of the server, as it travels in an `ERROR` token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// `@@ERROR`, the number a client tells errors apart by
    pub number: i32,
    /// Severity; 20 and above close the connection
    pub class: u8,
    /// Tells places apart where the same number is raised
    pub state: u8,
    /// The sentence
    pub message: String,
}

/// What a statement gives back.
pub type Result<T> = std::result::Result<T, SqlError>;

impl SqlError {
    /// An error of class 16, state 1: by far the most common.
    pub fn new(number: i32, message: impl Into<String>) -> Self {
        Self { number, class: 16, state: 1, message: message.into() }
    }

    /// The same error with another severity.
    pub fn class(self, class: u8) -> Self {
        Self { class, ..self }
    }

    /// The same error with another state.
    pub fn state(self, state: u8) -> Self {
        Self { state, ..self }
    }

    /// The error in a text that an error was displayed as, which is how errors pass through SQLite.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = &text[text.find("Msg ")?..];
        let (number, rest) = rest.strip_prefix("Msg ")?.split_once(", Level ")?;
        let (class, rest) = rest.split_once(", State ")?;
        let (state, message) = rest.split_once(": ")?;
        Some(Self {
            number: number.parse().ok()?,
            class: class.parse().ok()?,
            state: state.parse().ok()?,
            message: message.to_owned(),
        })
    }

    /// Whether the server closes the connection after it.
    pub fn is_fatal(&self) -> bool {
        self.class >= 20
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msg {}, Level {}, State {}: {}", self.number, self.class, self.state, self.message)
    }
}

impl std::error::Error for SqlError {}

/// 102: the batch does not parse.
pub fn syntax(near: &str) -> SqlError {
    SqlError::new(102, format!("Incorrect syntax near '{near}'.")).class(15)
}

/// 137: a variable that was not declared.
pub fn undeclared(variable: &str) -> SqlError {
    SqlError::new(137, format!("Must declare the scalar variable \"{variable}\".")).class(15).state(2)
}

/// 195: a function that does not exist.
pub fn no_function(name: &str) -> SqlError {
    SqlError::new(195, format!("'{name}' is not a recognized built-in function name.")).class(15).state(10)
}

/// 207: a column that does not exist.
pub fn no_column(name: &str) -> SqlError {
    SqlError::new(207, format!("Invalid column name '{name}'."))
}

/// 208: a table or view that does not exist.
pub fn no_object(name: &str) -> SqlError {
    SqlError::new(208, format!("Invalid object name '{name}'."))
}

/// 911: a database that does not exist.
pub fn no_database(name: &str) -> SqlError {
    SqlError::new(
        911,
        format!("Database '{name}' does not exist. Make sure that the name is entered correctly."),
    )
    .state(11)
}

/// 2812: a procedure that does not exist.
pub fn no_procedure(name: &str) -> SqlError {
    SqlError::new(2812, format!("Could not find stored procedure '{name}'.")).state(62)
}

/// 4060: the database that a login asks for cannot be opened.
pub fn cannot_open(database: &str) -> SqlError {
    SqlError::new(
        4060,
        format!("Cannot open database \"{database}\" requested by the login. The login failed."),
    )
    .class(11)
}

/// 18456: wrong name or password; the true state stays in the server's log.
pub fn login_failed(user: &str) -> SqlError {
    SqlError::new(18456, format!("Login failed for user '{user}'.")).class(14)
}

/// 596: the session was killed.
pub fn killed() -> SqlError {
    SqlError::new(596, "Cannot continue the execution because the session is in the kill state.").class(21)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_from_its_text() {
        let error = no_function("farmácia: x");
        assert_eq!(SqlError::parse(&format!("user function: {error}")), Some(error));
        assert_eq!(SqlError::parse("Msg nonsense"), None);
    }
}
