//! `tinderbox boards`.

use super::{Failure, table};
use tinderbox::target;

pub(super) fn run() -> Result<(), Failure> {
    let mut rows = table(["board", "target", "kernels", "RAM", "flash", "MHz", "tier", "title"]);
    for board in target::boards()? {
        let target = target::target(&board.target)?;
        rows.add_row([
            board.name,
            target.name.into(),
            format!("{:?}", target.kernels).to_lowercase(),
            board.ram.to_string(),
            board.flash.to_string(),
            board.clock_mhz.map_or("-".into(), |mhz| mhz.to_string()),
            board.tier.to_string(),
            board.title,
        ]);
    }
    println!("{rows}");
    Ok(())
}
