//! The database of a made-up pharmacy: products, customers, stock, sales and their items, and the trade that goes on changing
//! them. Everything follows from a seed; nobody in it exists: tax numbers have wrong check digits, postal codes and telephone
//! numbers are none.

mod names;

use crate::ean::ean13;
use chrono::{NaiveDateTime, TimeDelta};
use names::{BAIRROS, CIDADES, FAMILY, FIRST, FORMS, LABORATORIES, STREETS, SUBSTANCES};
use rusqlite::{Connection, Statement, Transaction, params};

/// The tables, in the dialect that both SQLite and SQL Server read.
const TABLES: &str = "
CREATE TABLE PRODUTOS (ID_PRODUTO INT NOT NULL PRIMARY KEY, CD_EAN CHAR(13) NOT NULL, DS_PRODUTO VARCHAR(60) NOT NULL,
    NM_LABORATORIO VARCHAR(40) NOT NULL, CD_NCM CHAR(8) NOT NULL, VL_CUSTO DECIMAL(10,2) NOT NULL,
    VL_VENDA DECIMAL(10,2) NOT NULL, FL_CONTROLADO BIT NOT NULL, FL_ATIVO BIT NOT NULL, DT_CADASTRO DATE NOT NULL);
CREATE TABLE ESTOQUE (ID_PRODUTO INT NOT NULL PRIMARY KEY, QT_ESTOQUE INT NOT NULL, QT_MINIMO INT NOT NULL,
    DT_ATUALIZACAO DATETIME2(0) NOT NULL);
CREATE TABLE CLIENTES (ID_CLIENTE INT NOT NULL PRIMARY KEY, NM_CLIENTE NVARCHAR(80) NOT NULL, NR_CPF CHAR(11) NOT NULL,
    NR_TELEFONE VARCHAR(15), DS_ENDERECO NVARCHAR(80), NM_BAIRRO NVARCHAR(40), NM_CIDADE NVARCHAR(40), SG_UF CHAR(2),
    NR_CEP CHAR(8), DT_NASCIMENTO DATE);
CREATE TABLE VENDAS (ID_VENDA INT NOT NULL PRIMARY KEY, DT_VENDA DATETIME2(0) NOT NULL, ID_CLIENTE INT,
    ID_VENDEDOR SMALLINT NOT NULL, NR_CUPOM INT NOT NULL, SG_PAGAMENTO CHAR(2) NOT NULL, VL_TOTAL DECIMAL(10,2) NOT NULL);
CREATE TABLE ITENS_VENDA (ID_VENDA INT NOT NULL, NR_ITEM SMALLINT NOT NULL, ID_PRODUTO INT NOT NULL, QT_ITEM INT NOT NULL,
    VL_UNITARIO DECIMAL(10,2) NOT NULL, VL_TOTAL DECIMAL(10,2) NOT NULL);
CREATE INDEX IX_VENDAS_DATA ON VENDAS (DT_VENDA);
";

/// Makes the tables and fills them with about `rows` rows in all, with sales up to the moment `until`.
///
/// # Errors
/// Those of SQLite, for example when a table is there already.
pub fn create(
    connection: &mut Connection,
    rows: u32,
    until: NaiveDateTime,
    seed: u64,
) -> rusqlite::Result<()> {
    let mut trade = Trade::new(seed);
    let shop = Shop::of(rows);
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    trade.products(&transaction, shop.products, until)?;
    trade.customers(&transaction, shop.customers)?;
    let mut till = Till::new(&transaction)?;
    let begin = until - TimeDelta::minutes(i64::from(shop.sales) * 2);
    for sale in 0..shop.sales {
        trade.sale(&mut till, &shop, sale + 1, begin + TimeDelta::minutes(i64::from(sale) * 2))?;
    }
    drop(till);
    transaction.commit()
}

/// How many of what the shop has.
#[derive(Clone, Copy, Debug)]
struct Shop {
    products: u32,
    customers: u32,
    sales: u32,
}

impl Shop {
    /// A sale has two and a half items on the average.
    fn of(rows: u32) -> Self {
        let products = (rows / 40).clamp(20, 12_000);
        let customers = (rows / 20).max(10);
        Self { products, customers, sales: rows.saturating_sub(2 * products + customers) * 2 / 7 }
    }

    fn count(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let most = "SELECT (SELECT COALESCE(MAX(ID_PRODUTO), 0) FROM PRODUTOS), (SELECT COALESCE(MAX(ID_CLIENTE), 0) FROM CLIENTES), \
                    (SELECT COALESCE(MAX(ID_VENDA), 0) FROM VENDAS)";
        transaction.query_row(most, [], |row| {
            Ok(Self { products: row.get(0)?, customers: row.get(1)?, sales: row.get(2)? })
        })
    }
}

/// The statements of a sale.
struct Till<'a> {
    price: Statement<'a>,
    item: Statement<'a>,
    stock: Statement<'a>,
    sale: Statement<'a>,
}

impl<'a> Till<'a> {
    fn new(transaction: &'a Transaction<'_>) -> rusqlite::Result<Self> {
        let price = "SELECT CAST(ROUND(VL_VENDA * 100) AS INT) FROM PRODUTOS WHERE ID_PRODUTO = ?";
        let stock = "UPDATE ESTOQUE SET QT_ESTOQUE = QT_ESTOQUE - ?, DT_ATUALIZACAO = ? WHERE ID_PRODUTO = ?";
        Ok(Self {
            price: transaction.prepare(price)?,
            item: transaction.prepare("INSERT INTO ITENS_VENDA VALUES (?,?,?,?,?,?)")?,
            stock: transaction.prepare(stock)?,
            sale: transaction.prepare("INSERT INTO VENDAS VALUES (?,?,?,?,?,?,?)")?,
        })
    }
}

/// What goes on in the shop.
#[derive(Debug)]
pub struct Trade {
    random: fastrand::Rng,
}

impl Trade {
    /// Trade that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// Makes `sales` sales at the moment `now`, in one transaction: sales and items are added, stock is lowered and bought again
    /// where it runs out, and now and then a price or a telephone number changes.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn work(
        &mut self,
        connection: &mut Connection,
        sales: u32,
        now: NaiveDateTime,
    ) -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        let shop = Shop::count(&transaction)?;
        if shop.products > 0 {
            let mut till = Till::new(&transaction)?;
            for sale in 1..=sales {
                self.sale(&mut till, &shop, shop.sales + sale, now)?;
            }
            self.upkeep(&transaction, &shop, now)?;
        }
        transaction.commit()
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.random.usize(..of.len().max(1))).copied().unwrap_or_default()
    }

    fn products(
        &mut self,
        transaction: &Transaction<'_>,
        count: u32,
        until: NaiveDateTime,
    ) -> rusqlite::Result<()> {
        let mut product = transaction.prepare("INSERT INTO PRODUTOS VALUES (?,?,?,?,?,?,?,?,?,?)")?;
        let mut stock = transaction.prepare("INSERT INTO ESTOQUE VALUES (?,?,?,?)")?;
        for id in 1..=count {
            let maker = self.random.usize(..LABORATORIES.len());
            let code = ean13(10_000 + 37 * maker as u32, id);
            let text = format!("{} {}", self.pick(&SUBSTANCES), self.pick(&FORMS));
            let cost = self.random.u32(150..9_000);
            product.execute(params![
                id,
                String::from_utf8_lossy(&code),
                text,
                LABORATORIES[maker],
                format!("3004{:04}", self.random.u32(..10_000)),
                reais(cost),
                reais(cost * 100 / self.random.u32(55..85)),
                self.random.u8(..12) == 0,
                self.random.u8(..30) != 0,
                (until.date() - TimeDelta::days(self.random.i64(30..3_000))).to_string(),
            ])?;
            let least = self.random.u32(2..20);
            stock.execute(params![id, least * self.random.u32(1..8), least, moment(until)])?;
        }
        Ok(())
    }

    fn customers(&mut self, transaction: &Transaction<'_>, count: u32) -> rusqlite::Result<()> {
        let mut customer = transaction.prepare("INSERT INTO CLIENTES VALUES (?,?,?,?,?,?,?,?,?,?)")?;
        for id in 1..=count {
            let (city, state) = CIDADES[self.random.usize(..CIDADES.len())];
            let telephone = (self.random.u8(..5) != 0).then(|| self.telephone());
            customer.execute(params![
                id,
                format!("{} {} {}", self.pick(&FIRST), self.pick(&FAMILY), self.pick(&FAMILY)),
                self.tax_number(),
                telephone,
                format!("{}, {}", self.pick(&STREETS), self.random.u32(1..2_000)),
                self.pick(&BAIRROS),
                city,
                state,
                format!("00{:06}", self.random.u32(..1_000_000)),
                format!(
                    "{}-{:02}-{:02}",
                    self.random.u32(1935..2008),
                    self.random.u8(1..=12),
                    self.random.u8(1..=28)
                ),
            ])?;
        }
        Ok(())
    }

    /// A number that looks like a CPF and is none: both check digits are one too high.
    fn tax_number(&mut self) -> String {
        let digits: Vec<u32> = (0..9).map(|_| self.random.u32(..10)).collect();
        let mut all = digits;
        for first_weight in [10, 11] {
            let sum: u32 =
                all.iter().zip((2..=first_weight).rev()).map(|(digit, weight)| digit * weight).sum();
            all.push(match sum % 11 {
                0 | 1 => 0,
                rest => 11 - rest,
            });
        }
        all.iter()
            .enumerate()
            .map(|(at, digit)| (digit + u32::from(at > 8)) % 10)
            .map(|digit| digit.to_string())
            .collect()
    }

    /// A telephone number with the area code 00, which is none.
    fn telephone(&mut self) -> String {
        format!("(00) 9{:04}-{:04}", self.random.u32(..10_000), self.random.u32(..10_000))
    }

    fn sale(&mut self, till: &mut Till<'_>, shop: &Shop, id: u32, at: NaiveDateTime) -> rusqlite::Result<()> {
        let mut total = 0;
        for number in 1..=self.random.u32(1..=4) {
            // What is asked for most is asked for ten times as often as the rest.
            let popular = self.random.u8(..10) != 0;
            let product =
                self.random.u32(1..=if popular { shop.products.div_ceil(10) } else { shop.products });
            let quantity = if self.random.u8(..6) == 0 { self.random.u32(2..6) } else { 1 };
            let cents: u32 = till.price.query_row([product], |row| row.get(0))?;
            till.item.execute(params![
                id,
                number,
                product,
                quantity,
                reais(cents),
                reais(cents * quantity)
            ])?;
            till.stock.execute(params![quantity, moment(at), product])?;
            total += cents * quantity;
        }
        let customer = (self.random.u8(..3) != 0).then(|| self.random.u32(1..=shop.customers.max(1)));
        let (seller, paid) = (self.random.u8(1..9), self.pick(&["DI", "CC", "CD", "PX", "PX", "CV"]));
        till.sale.execute(params![id, moment(at), customer, seller, 100_000 + id, paid, reais(total)])?;
        Ok(())
    }

    fn upkeep(
        &mut self,
        transaction: &Transaction<'_>,
        shop: &Shop,
        now: NaiveDateTime,
    ) -> rusqlite::Result<()> {
        transaction.execute(
            "UPDATE ESTOQUE SET QT_ESTOQUE = QT_MINIMO * 6, DT_ATUALIZACAO = ? WHERE QT_ESTOQUE < QT_MINIMO",
            [moment(now)],
        )?;
        let product = self.random.u32(1..=shop.products);
        let factor = f64::from(self.random.u32(95..108)) / 100.0;
        transaction.execute(
            "UPDATE PRODUTOS SET VL_VENDA = ROUND(VL_VENDA * ?, 2) WHERE ID_PRODUTO = ?",
            params![factor, product],
        )?;
        let customer = self.random.u32(1..=shop.customers.max(1));
        let telephone = self.telephone();
        transaction.execute(
            "UPDATE CLIENTES SET NR_TELEFONE = ? WHERE ID_CLIENTE = ?",
            params![telephone, customer],
        )?;
        Ok(())
    }
}

fn reais(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

fn moment(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests;
