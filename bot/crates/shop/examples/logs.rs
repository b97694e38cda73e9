//! Prints ten minutes around a fault as the services would, for reading: `cargo run -p shop --example logs -- bad-deploy`.
//! With `--speed` it prints how many lines a second it makes instead.

use std::time::Instant;

use shop::{Settings, Shop, fault};

const MINUTE: i64 = 60_000_000;
const AT: i64 = 1_795_262_400_000_000;

fn main() -> Result<(), shop::Error> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "bad-deploy".to_owned());
    let fault = fault(&name)?;
    let start = AT - 120 * MINUTE;
    let mut shop = Shop::new(Settings { seed: 1, start, requests_per_second: 6.0, fault: Some((fault, AT)) });
    if arguments.next().as_deref() == Some("--speed") {
        let begun = Instant::now();
        let lines = shop.step(AT + 120 * MINUTE);
        let (seconds, bytes) = (begun.elapsed().as_secs_f64(), lines.iter().map(|line| line.text.len()).sum::<usize>());
        println!("{} lines, {bytes} bytes, {seconds:.2} s, {:.0} lines/s", lines.len(), lines.len() as f64 / seconds);
        return Ok(());
    }
    shop.step(AT - 4 * MINUTE);
    for line in shop.step(AT + 6 * MINUTE) {
        println!("{:<20} {}", line.source, line.text);
    }
    Ok(())
}
