//! Prints the figures of indexing and searching: `cargo bench -p indexer --bench figures [-- MEGABYTES]`.
//! CPU seconds are read from `/proc/self/stat`, because wall time on a shared machine says little.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use evidence::{Redactor, Time, TimeWindow};
use indexer::{Ingest, IngestOptions, ObserveRequest, Order, Query, SearchOptions, Store, TantivyStore, Writer};

fn main() {
    let megabytes = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("shop.ndjson");
    let (n_bytes, n_lines) = write_logs(&log, megabytes << 20);
    let data = folder.path().join("index");

    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let mut ingest = Ingest::new(Writer::open(&data).expect("an index"), Redactor::new([7; 32]));
    let now = Time(NOON + 86_400_000_000);
    let report = ingest.index(&[log], &IngestOptions::default(), now, &mut |_| {}).expect("indexed");
    let (cpu, wall) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
    assert_eq!(report.records, n_lines);
    let megabytes = n_bytes as f64 / 1e6;
    println!("indexed {n_lines} records, {megabytes:.0} MB, {} templates", report.templates);
    println!("  {:.1} MB/s per CPU-second, {:.1} MB/s wall", megabytes / cpu, megabytes / wall);
    println!("  {:.0} records/s wall, {:.0} per CPU-second", n_lines as f64 / wall, n_lines as f64 / cpu);
    println!("  {:.3} bytes on disk per byte", report.index_bytes as f64 / n_bytes as f64);
    drop(ingest);

    let store = TantivyStore::open(&data).expect("a reader");
    for (name, query) in [
        ("word", "declined"),
        ("two words", "payment declined"),
        ("phrase", "\"payment declined\""),
        ("service, level", "service:checkout level>=error"),
        ("prefix", "decl*"),
        ("one trace", "trace:0000000000003039"),
        ("field", "user:u77"),
        ("everything", "*"),
    ] {
        let query = Query::parse(query).expect("a query");
        time(name, 50, || store.search(&query, &SearchOptions::at(now)).expect("found").total);
    }
    let relevant = SearchOptions { order: Order::Relevance, ..SearchOptions::at(now) };
    let query = Query::parse("payment declined").expect("a query");
    time("by relevance", 20, || store.search(&query, &relevant).expect("found").total);
    let window = TimeWindow::new(Time(NOON - 43_200_000_000), now).expect("a window");
    let request = ObserveRequest { window, baseline: None, services: None };
    time("observe all", 10, || store.observe(&request).expect("observed").rows.len() as u64);
}

fn time(name: &str, times: usize, mut run: impl FnMut() -> u64) {
    let mut took: Vec<f64> = Vec::new();
    let mut n = 0;
    for _ in 0..times {
        let started = Instant::now();
        n = run();
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    println!("  {name:<16} {n:>9} found  p50 {:>7.2} ms  p95 {:>7.2} ms", took[times / 2], took[times * 95 / 100]);
}

/// 2026-01-31T12:00:00Z.
const NOON: i64 = 1_769_860_800_000_000;

fn write_logs(path: &Path, size: u64) -> (u64, u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    let services = ["checkout", "payment", "cart", "catalog", "gateway", "auth", "email", "search"];
    let (mut n_bytes, mut n_lines, mut random) = (0, 0, 1_u64);
    while n_bytes < size {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = random >> 33;
        let service = services[(dice % 8) as usize];
        let time = Time(NOON - 43_200_000_000 + n_lines as i64 * 60_000);
        let trace = n_lines / 6;
        let (level, message) = match dice / 8 % 100 {
            0 => ("error", format!("payment declined for order ord-{dice:x}: card issuer said code {}", dice % 90)),
            1..=3 => ("warn", format!("slow query took {} ms on connection {} of pool main", dice % 5_000, dice % 50)),
            4..=20 => ("debug", format!("cache miss for key product:{}:{:x}", dice % 9_000, random >> 20)),
            21..=60 => {
                ("info", format!("GET /api/{service}/items/{} completed 200 in {} ms", dice % 100_000, dice % 300))
            }
            _ => (
                "info",
                format!(
                    "order ord-{dice:x} accepted from user u{} at 10.0.{}.{}",
                    dice % 5_000,
                    dice % 250,
                    dice % 251
                ),
            ),
        };
        let line = format!(
            "{{\"ts\":\"{time}\",\"level\":\"{level}\",\"service\":\"{service}\",\"host\":\"{service}-{}\",\"trace_id\":\"{trace:016x}\",\"span_id\":\"{:016x}\",\"user\":\"u{}\",\"msg\":\"{message}\"}}\n",
            dice % 4,
            random,
            dice % 5_000,
        );
        out.write_all(line.as_bytes()).expect("written");
        n_bytes += line.len() as u64;
        n_lines += 1;
    }
    (n_bytes, n_lines)
}

fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return f64::NAN };
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}
