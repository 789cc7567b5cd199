//! `bitspike man`

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bitspike::atomic_file;
use clap_mangen::Man;

use crate::args::vacant;
use crate::output::put;

/// Write the manual, one page for the program and one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bitspike man ~/.local/share/man/man1 && man bitspike-distil")]
pub(crate) struct ManArgs {
    /// Folder to write into; it is made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace earlier pages
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &ManArgs, program: clap::Command) -> Result<()> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    render(program, &mut pages)?;
    pages.sort();
    let pages: Vec<_> = pages.into_iter().map(|(name, text)| (args.folder.join(name), text)).collect();
    pages.iter().try_for_each(|(path, _)| vacant("DIR", path, args.force))?;
    std::fs::create_dir_all(&args.folder).with_context(|| format!("create folder {}", args.folder.display()))?;
    for (path, text) in &pages {
        atomic_file::write(path, |file| file.write_all(text))?;
    }
    Ok(put(format!("wrote {} pages into {}\n", pages.len(), args.folder.display()).as_bytes())?)
}

/// Adds the page of `command`, and those of its subcommands: name of the file and text.
fn render(command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        render(subcommand.clone(), pages)?;
    }
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    Ok(())
}
