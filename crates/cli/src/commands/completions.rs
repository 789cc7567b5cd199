//! `bitspike completions`

use anyhow::Result;
use clap_complete::Shell;

use crate::output::put;

/// Print the completions of commands and flags for a shell
///
/// Write them where the shell looks for them, or source them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike completions bash > ~/.local/share/bash-completion/completions/bitspike\n  \
    bitspike completions zsh > ~/.zfunc/_bitspike\n  \
    bitspike completions fish > ~/.config/fish/completions/bitspike.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, mut program: clap::Command) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, "bitspike", &mut text);
    Ok(put(&text)?)
}
