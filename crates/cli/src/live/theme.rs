//! What the terminal can show, and how.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Block, Borders};

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    /// Whether to use colour.
    pub(super) colour: bool,
    /// Whether characters beyond ASCII are shown.
    pub(super) unicode: bool,
}

impl Theme {
    pub(super) fn style(self, colour: Color, modifier: Modifier) -> Style {
        let style = Style::new().add_modifier(modifier);
        if self.colour { style.fg(colour) } else { style }
    }

    /// A rule with a title above what belongs to it.
    pub(super) fn block(self, title: &str) -> Block<'static> {
        let dim = self.style(Color::DarkGray, Modifier::empty());
        let title = Span::styled(format!(" {title} "), self.style(Color::Reset, Modifier::BOLD));
        Block::new().borders(Borders::TOP).border_style(dim).title(title)
    }
}
