//! Any number of MiB of a retailer's rows without a database behind them: the same rows for the same seed, made as fast as
//! disks write, and about as compressible as the full pages of real shops' backups (`zip -6` makes a quarter of them).

use super::EXTENT_BYTES;
use super::builder::Database;
use super::page::{Filler, Head, PAGE_BYTES, Page, PageKind, PageVerify};
use super::plan::{Facts, Fullness, Plan, Planned, Rows};
use super::schema::Table;
use super::system::{FIRST_USER_OBJECT, Object};
use crate::ean::ean13;
use crate::mtf::{ExtentId, FileInfo, Identity, PageSource};
use std::io;

/// A database of synthetic pages.
pub struct Synthetic {
    planned: Planned<SaleItems>,
}

impl Synthetic {
    /// A database whose rows fill about `mib` MiB of data pages; the same `seed` makes the same rows.
    ///
    /// # Errors
    /// None that can happen with a name of ordinary length.
    pub fn new(database: &Database, mib: u32, seed: u64) -> io::Result<Self> {
        let table = SaleItems::table();
        let mut objects = vec![Object {
            id: FIRST_USER_OBJECT,
            table: Some(table.clone()),
            kind: "U".to_owned(),
            name: table.name.clone(),
            definition: String::new(),
        }];
        objects.extend(super::builder::extras(database, objects.len()));
        let pages = mib.saturating_mul((1 << 20) / PAGE_BYTES as u32);
        let plan = Plan::new(
            database.facts(),
            database.page_verify,
            &objects,
            &[(FIRST_USER_OBJECT, Fullness::All(pages))],
        )?;
        Ok(Self { planned: Planned::new(plan, SaleItems::new(seed)) })
    }
}

impl PageSource for Synthetic {
    fn files(&self) -> Vec<FileInfo> {
        self.planned.files()
    }

    fn identity(&self) -> Identity {
        self.planned.identity()
    }

    fn total_pages(&self) -> u64 {
        self.planned.total_pages()
    }

    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>> {
        self.planned.next_extent(out)
    }

    fn log(&mut self) -> Vec<u8> {
        self.planned.log()
    }
}

/// The items of sales, one after the other.
struct SaleItems {
    random: Random,
    item: u32,
    sale: u32,
    left_in_sale: u32,
    day: u32,
    second: u32,
    seller: u8,
    fixed_bytes: u16,
}

const DESCRIPTIONS: [&str; 64] = [
    "DIPIRONA SODICA 500MG C/10 COMP",
    "PARACETAMOL 750MG C/20 COMP",
    "IBUPROFENO 600MG C/20",
    "AMOXICILINA 500MG C/21 CAPS",
    "LOSARTANA POTASSICA 50MG C/30",
    "OMEPRAZOL 20MG C/28 CAPS",
    "SINVASTATINA 20MG C/30",
    "METFORMINA 850MG C/30",
    "HIDROCLOROTIAZIDA 25MG C/30",
    "ATENOLOL 25MG C/30",
    "CAPTOPRIL 25MG C/30",
    "ENALAPRIL 10MG C/30",
    "AZITROMICINA 500MG C/3",
    "LORATADINA 10MG C/12",
    "DEXAMETASONA CREME 10G",
    "NIMESULIDA 100MG C/12",
    "SORO FISIOLOGICO 0,9% 500ML",
    "VITAMINA C 1G EFERV C/10",
    "PROTETOR SOLAR FPS50 200ML",
    "SHAMPOO ANTICASPA 200ML",
    "CREME DENTAL 90G MENTA",
    "ESCOVA DENTAL MACIA",
    "FRALDA GERIATRICA G C/8",
    "FRALDA INFANTIL M C/44",
    "ABSORVENTE C/ABAS C/16",
    "ALCOOL GEL 70% 500G",
    "ALGODAO 50G",
    "CURATIVO TRANSPARENTE C/40",
    "TERMOMETRO DIGITAL",
    "PRESERVATIVO LUBRIF C/3",
    "SABONETE LIQUIDO 250ML",
    "DESODORANTE AEROSOL 150ML",
    "CONDICIONADOR 325ML",
    "COLIRIO LUBRIFICANTE 10ML",
    "XAROPE EXPECTORANTE 120ML",
    "ANTIACIDO EFERV C/12",
    "LEITE INFANTIL FASE 1 800G",
    "SUPLEMENTO PROTEICO 450G",
    "REPELENTE SPRAY 100ML",
    "LENCO UMEDECIDO C/48",
    "CLONAZEPAM 2MG C/30",
    "SERTRALINA 50MG C/30",
    "FLUOXETINA 20MG C/28",
    "ESCITALOPRAM 10MG C/30",
    "PANTOPRAZOL 40MG C/28",
    "ROSUVASTATINA 10MG C/30",
    "LEVOTIROXINA 50MCG C/30",
    "PREDNISONA 20MG C/10",
    "CETOCONAZOL CREME 30G",
    "MICONAZOL LOCAO 30ML",
    "ESCOPOLAMINA COMPOSTA C/20",
    "ISOMETEPTENO C/20 DRAG",
    "ORFENADRINA C/36",
    "SAL DE FRUTA LIMAO 100G",
    "DEXPANTENOL POMADA 30G",
    "CREME HIDRATANTE 145G",
    "APARELHO DE BARBEAR C/2",
    "CURATIVO ADESIVO C/40",
    "FRALDA INFANTIL G C/72",
    "GEL DENTAL 90G",
    "ENXAGUANTE BUCAL 500ML",
    "SABONETE EM BARRA 90G",
    "TALCO PERFUMADO 150G",
    "SHAMPOO INFANTIL 325ML",
];

impl SaleItems {
    fn table() -> Table {
        let columns = [
            ("ID_ITEM", "int"),
            ("ID_VENDA", "int"),
            ("ID_PRODUTO", "int"),
            ("DT_VENDA", "datetime2(0)"),
            ("QT_ITEM", "decimal(9,3)"),
            ("VL_UNITARIO", "money"),
            ("VL_TOTAL", "money"),
            ("ID_VENDEDOR", "tinyint"),
            ("CD_EAN", "char(13)"),
            ("DS_PRODUTO", "varchar(60)"),
        ];
        Table::new("ITENS_VENDA", &columns)
    }

    fn new(seed: u64) -> Self {
        let fixed_bytes = Self::table().layout().fixed_end as u16;
        Self {
            random: Random(seed | 1),
            item: 0,
            sale: 1_000,
            left_in_sale: 0,
            day: 739_000,
            second: 0,
            seller: 1,
            fixed_bytes,
        }
    }

    /// Writes the next row's record into `out` and returns its length.
    fn record(&mut self, out: &mut [u8; 128]) -> usize {
        if self.left_in_sale == 0 {
            let draw = self.random.next();
            self.left_in_sale = 1 + (draw & 3) as u32;
            self.sale += 1;
            self.second += (draw >> 8 & 31) as u32;
            if self.second >= 86_400 {
                (self.second, self.day) = (0, self.day + 1);
            }
            self.seller = 1 + (draw >> 16 & 7) as u8;
        }
        self.left_in_sale -= 1;
        self.item += 1;
        let draw = self.random.next();
        // A shop sells a few products often and thousands seldom.
        let product = if draw & 3 == 0 { draw >> 8 & 0x1fff } else { draw >> 8 & 0xff } as u32;
        let quantity = if draw >> 24 & 7 == 0 { 2 + (draw >> 28 & 3) } else { 1 };
        let cents = 199 + u64::from(product.wrapping_mul(2_654_435_761) >> 20);
        let text = DESCRIPTIONS[product as usize % DESCRIPTIONS.len()].as_bytes();
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&[0x30, 0]);
        put(&self.fixed_bytes.to_le_bytes());
        put(&self.item.to_le_bytes());
        put(&self.sale.to_le_bytes());
        put(&product.to_le_bytes());
        put(&self.second.to_le_bytes()[..3]);
        put(&self.day.to_le_bytes()[..3]);
        put(&[1]);
        put(&(quantity as u32 * 1000).to_le_bytes());
        put(&(cents * 100).to_le_bytes());
        put(&(cents * 100 * quantity).to_le_bytes());
        put(&[self.seller]);
        put(&ean13(10_000 + product / 64 * 7, product));
        put(&[10, 0, 0, 0, 1, 0]);
        let end = self.fixed_bytes as usize + 2 + 2 + 2 + 2 + text.len();
        put(&(end as u16).to_le_bytes());
        put(text);
        at
    }
}

impl Rows for SaleItems {
    fn next_page(&mut self, page: u32, facts: &Facts, verify: PageVerify, out: &mut Page) -> io::Result<()> {
        let head = Head {
            kind: PageKind::Data,
            object: FIRST_USER_OBJECT,
            index: 256,
            fixed_bytes: self.fixed_bytes,
            page,
            lsn: facts.page_lsn(page),
        };
        let mut filler = Filler::new(out, &head);
        let mut record = [0; 128];
        // 112 bytes are more than the longest of these records and its slot.
        while filler.free() >= 112 {
            let length = self.record(&mut record);
            filler.push(&record[..length]);
        }
        filler.finish(verify);
        Ok(())
    }
}

/// SplitMix64: fast, and the same everywhere.
struct Random(u64);

impl Random {
    #[inline]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
