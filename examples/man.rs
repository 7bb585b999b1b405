//! Writes the man pages of the program and of each of its subcommands into a folder.
//!
//! Run it as `cargo run --example man`, which writes into `man/`, or with another folder's name.
//! It is an example and no subcommand, so that the program does not carry its own press.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs, io};

/// Every page, as its file's name and its text.
///
/// # Errors
/// None in practice: the text is written into memory.
pub(crate) fn pages() -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut root = payout_notify::command().disable_help_subcommand(true);
    // The subcommands' arguments are put off until they are asked for; here they are.
    root.build();
    let mut pages = BTreeMap::new();
    collect(&root, &mut pages)?;
    Ok(pages)
}

fn collect(command: &clap::Command, pages: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let page = clap_mangen::Man::new(command.clone().version(env!("CARGO_PKG_VERSION")))
        .manual("payout-notify")
        .source(concat!("payout-notify ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.insert(format!("{name}.1"), text);
    command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .try_for_each(|one| collect(one, pages))
}

fn main() -> io::Result<()> {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/man");
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from(usual), PathBuf::from);
    fs::create_dir_all(&folder)?;
    // A page of a subcommand that there is no more would stay for ever.
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "1") {
            fs::remove_file(path)?;
        }
    }
    pages()?.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
