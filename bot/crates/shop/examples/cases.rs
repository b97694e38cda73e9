//! Writes one incident case per fault into a folder: `cargo run -p shop --example cases -- DIR [SEED]`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: cases DIR [SEED]")?;
    let seed: u64 = arguments.next().map_or(Ok(7), |seed| seed.parse())?;
    // A Tuesday evening.
    let at = 1_788_890_400_000_000;
    for fault in shop::FAULTS {
        shop::write_case(&Path::new(&folder).join(fault.name), &shop::Case::new(fault, seed, at))?;
    }
    Ok(())
}
