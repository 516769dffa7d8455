//! Reading statements word by word, for those that `sqlparser` does not know.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enum holds the tokens of all dialects")]

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::error::{Result, syntax};

/// A text that stands in the statement or in a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// `N'…'`
    Literal(String),
    /// `@name`, in lower case
    Variable(String),
}

/// What can be asked of a parser that stands before a statement.
pub trait Tokens {
    /// The next token as the client wrote it, for error messages.
    fn near(&self) -> String;
    /// Whether the next token is this word.
    fn at(&self, word: &str) -> bool;
    /// Whether the token after the next is this word.
    fn after_next(&self, word: &str) -> bool;
    /// Passes over the word if it is next.
    fn accept(&mut self, word: &str) -> bool;
    /// Passes over the token if it is next.
    fn accept_token(&mut self, token: &Token) -> bool;
    /// Passes over the word.
    ///
    /// # Errors
    /// 102 when it is not next.
    fn expect(&mut self, word: &str) -> Result<()>;
    /// Passes over the token.
    ///
    /// # Errors
    /// 102 when it is not next.
    fn require_token(&mut self, token: &Token) -> Result<()>;
    /// Passes over any word without quotes; gives it in upper case.
    ///
    /// # Errors
    /// 102 when none is next.
    fn word(&mut self) -> Result<String>;
    /// Passes over a name, in brackets or without.
    ///
    /// # Errors
    /// 102 when none is next.
    fn name(&mut self) -> Result<String>;
    /// Passes over a name or a variable that holds one.
    ///
    /// # Errors
    /// 102 when none is next.
    fn name_or_variable(&mut self) -> Result<Text>;
    /// Passes over a text in quotes or a variable.
    ///
    /// # Errors
    /// 102 when none is next.
    fn text(&mut self) -> Result<Text>;
    /// Passes over a whole number, which may be negative.
    ///
    /// # Errors
    /// 102 when none is next.
    fn number(&mut self) -> Result<i64>;
    /// Passes over bytes: `0x0102`.
    ///
    /// # Errors
    /// 102 when none are next.
    fn bytes(&mut self) -> Result<Vec<u8>>;
    /// Whether the statement is over: a semicolon or the end of the batch.
    fn at_end(&self) -> bool;
    /// 102 at this place.
    fn syntax_error(&self) -> crate::error::SqlError {
        syntax(&self.near())
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

impl Tokens for Parser<'_> {
    fn near(&self) -> String {
        match self.peek_token().token {
            Token::EOF => self.get_current_token().to_string(),
            token => token.to_string(),
        }
    }

    fn at(&self, word: &str) -> bool {
        is_word(&self.peek_token().token, word)
    }

    fn after_next(&self, word: &str) -> bool {
        is_word(&self.peek_nth_token(1).token, word)
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.at(word);
        if found {
            self.next_token();
        }
        found
    }

    fn accept_token(&mut self, token: &Token) -> bool {
        let found = self.peek_token().token == *token;
        if found {
            self.next_token();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.accept(word) { Ok(()) } else { Err(self.syntax_error()) }
    }

    fn require_token(&mut self, token: &Token) -> Result<()> {
        if self.accept_token(token) { Ok(()) } else { Err(self.syntax_error()) }
    }

    fn word(&mut self) -> Result<String> {
        match self.peek_token().token {
            Token::Word(word) if word.quote_style.is_none() => {
                self.next_token();
                Ok(word.value.to_uppercase())
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn name(&mut self) -> Result<String> {
        match self.peek_token().token {
            Token::Word(word) if word.quote_style.is_some() || !word.value.starts_with('@') => {
                self.next_token();
                Ok(word.value)
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn name_or_variable(&mut self) -> Result<Text> {
        match self.peek_token().token {
            Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('@') => {
                self.next_token();
                Ok(Text::Variable(word.value.to_lowercase()))
            }
            _ => self.name().map(Text::Literal),
        }
    }

    fn text(&mut self) -> Result<Text> {
        match self.peek_token().token {
            Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => {
                self.next_token();
                Ok(Text::Literal(text))
            }
            Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('@') => {
                self.next_token();
                Ok(Text::Variable(word.value.to_lowercase()))
            }
            _ => Err(self.syntax_error()),
        }
    }

    fn number(&mut self) -> Result<i64> {
        let negative = self.accept_token(&Token::Minus);
        let Token::Number(digits, _) = self.peek_token().token else { return Err(self.syntax_error()) };
        let number: i64 = digits.parse().map_err(|_| self.syntax_error())?;
        self.next_token();
        Ok(if negative { -number } else { number })
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let Token::HexStringLiteral(digits) = self.peek_token().token else {
            return Err(self.syntax_error());
        };
        let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        let bytes = bytes.ok_or_else(|| self.syntax_error())?;
        self.next_token();
        Ok(bytes)
    }

    fn at_end(&self) -> bool {
        matches!(self.peek_token().token, Token::EOF | Token::SemiColon)
    }
}
