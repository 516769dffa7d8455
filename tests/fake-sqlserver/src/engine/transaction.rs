//! Transactions, by statement and by the protocol's own request.

use super::Engine;
use crate::error::SqlError;
use crate::session::output::{Failure, Output};
use crate::sql::batch::{Transaction, unsupported};
use crate::tds::rpc::TransactionRequest;
use crate::tds::token::Change;

type Outcome<T> = std::result::Result<T, Failure>;

impl Engine {
    pub(super) fn transaction(&mut self, transaction: Transaction, out: &mut Output) -> Outcome<()> {
        match transaction {
            Transaction::Begin => self.begin(out)?,
            Transaction::Commit => self.commit(out)?,
            Transaction::Rollback => self.roll_back(out)?,
        }
        out.done(None);
        Ok(())
    }

    pub(super) fn transaction_request(
        &mut self,
        request: TransactionRequest,
        out: &mut Output,
    ) -> Outcome<()> {
        out.begin(0, 1);
        let again = match request {
            TransactionRequest::Begin => {
                self.begin(out)?;
                false
            }
            TransactionRequest::Commit { begin } => {
                self.commit(out)?;
                begin
            }
            TransactionRequest::Rollback { begin } => {
                self.roll_back(out)?;
                begin
            }
            TransactionRequest::Save => return Err(unsupported("SAVE TRANSACTION").into()),
        };
        if again {
            self.begin(out)?;
        }
        out.done(None);
        Ok(())
    }

    fn begin(&mut self, out: &mut Output) -> Outcome<()> {
        let open = self.scope.current().transactions;
        if open == 0 {
            self.store()?.execute("BEGIN", &[])?;
            self.transaction += 1;
            out.environment(Change::Begun(self.transaction))?;
        }
        self.set_open_transactions(open + 1);
        Ok(())
    }

    fn commit(&mut self, out: &mut Output) -> Outcome<()> {
        let open = self.scope.current().transactions;
        match open {
            0 => {
                let text = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(SqlError::new(3902, text).into());
            }
            1 => {
                self.store()?.execute("COMMIT", &[])?;
                out.environment(Change::Committed(self.transaction))?;
            }
            _ => {}
        }
        self.set_open_transactions(open - 1);
        Ok(())
    }

    fn roll_back(&mut self, out: &mut Output) -> Outcome<()> {
        if self.scope.current().transactions == 0 {
            let text = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.";
            return Err(SqlError::new(3903, text).into());
        }
        self.roll_back_if_open();
        out.environment(Change::RolledBack(self.transaction))?;
        Ok(())
    }

    pub(super) fn roll_back_if_open(&mut self) {
        if self.scope.current().transactions == 0 {
            return;
        }
        if let Some(store) = &self.store {
            // SQLite may have rolled back by itself after an error.
            drop(store.execute("ROLLBACK", &[]));
        }
        self.set_open_transactions(0);
    }

    fn set_open_transactions(&self, count: u32) {
        self.scope.current().transactions = count;
        self.instance().update_session(self.scope.spid, |session| session.transactions = count);
    }
}
