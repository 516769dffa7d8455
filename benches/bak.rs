//! How fast the check of a backup file is: the checksum of pages alone, and the whole reader over a file in memory, in
//! pieces as the packing hands them on. Both should leave the disk as the slowest part.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dmbackup::bak::{Checker, PAGE_BYTES, Page, Verdict, page_checksum};
use fake_sqlserver::mtf::{DumpRequest, write_backup};
use fake_sqlserver::pages::{Database, Synthetic};
use std::hint::black_box;
use std::ops::ControlFlow;

const MIB: u32 = 64;

fn backup_file(mib: u32) -> std::io::Result<Vec<u8>> {
    let database = Database::new("MCDados");
    let mut pages = Synthetic::new(&database, mib, 1)?;
    let request = DumpRequest::new("MCDados", chrono::NaiveDateTime::default());
    let mut file = Vec::new();
    write_backup(&mut file, &request, &mut pages, &mut |_, _| ControlFlow::Continue(()))?;
    Ok(file)
}

fn checks(criterion: &mut Criterion) {
    let written = |mib| match backup_file(mib) {
        Ok(file) => file,
        Err(error) => panic!("the stand-in wrote no file: {error}"),
    };
    let (file, small) = (written(MIB), written(1));
    let mut group = criterion.benchmark_group("bak");
    group.sample_size(20);

    let (pages, _) = file.as_chunks::<PAGE_BYTES>();
    group.throughput(Throughput::Bytes((pages.len() * PAGE_BYTES) as u64));
    group.bench_function("page checksums", |bencher| {
        bencher.iter(|| pages.iter().fold(0, |sum, page: &Page| sum ^ page_checksum(black_box(page))));
    });

    group.throughput(Throughput::Bytes(file.len() as u64));
    for piece in [1 << 20, 65_536 + 777] {
        group.bench_function(format!("whole check in pieces of {piece}"), |bencher| {
            bencher.iter(|| {
                let mut checker = Checker::new();
                file.chunks(piece).for_each(|piece| checker.feed(black_box(piece)));
                assert_eq!(checker.finish().verdict, Verdict::Good);
            });
        });
    }

    // Blocks, streams and descriptions are most of a file that has hardly a page.
    group.throughput(Throughput::Elements(1));
    group.bench_function("blocks, streams and descriptions of a small file", |bencher| {
        bencher.iter(|| {
            let mut checker = Checker::new();
            checker.feed(black_box(&small));
            assert_eq!(checker.finish().verdict, Verdict::Good);
        });
    });
    group.finish();
}

criterion_group!(benches, checks);
criterion_main!(benches);
