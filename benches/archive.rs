//! How fast blocks are compressed and compared, and how fast a whole dump is packed: `cargo bench --bench archive`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion makes undocumented functions, and a bench may just stop"
)]

use chrono::DateTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dmbackup::archive::{
    BLOCK_BYTES, BlockPacker, Level, MANIFEST_FORMAT, Manifest, PackOptions, Part, PartDigest, ReadBack,
    Seal, pack,
};
use dmbackup::problem::Result;
use fake_sqlserver::mtf::{DumpRequest, write_backup};
use fake_sqlserver::pages::{Database, Synthetic};
use std::hint::black_box;
use std::io::Cursor;
use std::ops::ControlFlow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A dump of `mib` MiB of a shop's sales.
fn dump(mib: u32) -> Vec<u8> {
    let mut dump = Vec::new();
    let request = DumpRequest::new("MCDados", chrono::DateTime::UNIX_EPOCH.naive_utc());
    let mut pages = Synthetic::new(&Database::new("MCDados"), mib, 2022).unwrap();
    write_backup(&mut dump, &request, &mut pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
    dump
}

fn blocks(criterion: &mut Criterion) {
    let data = &dump(2)[BLOCK_BYTES / 2..][..BLOCK_BYTES];
    let mut group = criterion.benchmark_group("block");
    group.throughput(Throughput::Bytes(BLOCK_BYTES as u64));
    for level in [1, 4, 6, 7].map(|level| Level::new(level).unwrap()) {
        let mut packer = BlockPacker::new(level).unwrap();
        let mut out = vec![0; packer.room(data.len())];
        group.bench_function(BenchmarkId::new("compress, compare, join", level.get()), |bencher| {
            bencher.iter(|| packer.pack(black_box(data), false, &mut out).unwrap());
        });
    }
    group.finish();
}

fn dumps(criterion: &mut Criterion) {
    let data = dump(64);
    let mut group = criterion.benchmark_group("dump");
    group.sample_size(10).throughput(Throughput::Bytes(data.len() as u64));
    for threads in [1, 2] {
        let options = PackOptions {
            entry_name: "MCDados.bak".to_owned(),
            level: Level::default(),
            threads,
            modified: DateTime::default(),
            total_bytes: Some(data.len() as u64),
            source_shown: String::new(),
            sink_shown: String::new(),
        };
        let mut zip = Cursor::new(Vec::with_capacity(data.len()));
        group.bench_function(BenchmarkId::new("pack", threads), |bencher| {
            bencher.iter(|| pack_to(&data, &mut zip, &options));
        });
    }
    group.finish();
}

fn reading_back(criterion: &mut Criterion) {
    let data = dump(64);
    let seal = Seal { bytes: data.len() as u64, crc32: crc32fast::hash(&data) };
    let mut group = criterion.benchmark_group("read back");
    group.sample_size(20).throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("compare and hash", |bencher| {
        bencher.iter(|| {
            let mut back = ReadBack::new(seal);
            data.chunks(1 << 20).for_each(|piece| back.feed(black_box(piece)));
            back.finish("").unwrap()
        });
    });
    group.finish();
}

fn pack_to(data: &[u8], zip: &mut Cursor<Vec<u8>>, options: &PackOptions) -> u64 {
    let (mut source, cancel) = (data, CancellationToken::new());
    let packed = pack(&mut source, zip, options, &mut |_| {}, &|_| {}, &mut manifest, &cancel);
    packed.unwrap().seal.bytes
}

fn manifest(part: &PartDigest) -> Result<Manifest> {
    Ok(Manifest {
        format: MANIFEST_FORMAT,
        program: String::new(),
        run: Uuid::nil(),
        sequence: 0,
        hour: None,
        reason: None,
        begun: DateTime::default(),
        finished: DateTime::default(),
        shop: String::new(),
        agent: Uuid::nil(),
        server: String::new(),
        database: String::new(),
        company: None,
        rows: Vec::new(),
        parts: vec![Part::new(part, None)],
    })
}

criterion_group!(benches, blocks, dumps, reading_back);
criterion_main!(benches);
