//! The live view: how a board is drawn on a screen of any size.

use bitspike_run::progress::Level;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::board::{Board, LOSSES};
use super::chart;
use super::theme::Theme;
use bitspike_analysis::number::{duration, per_second, scientific, significant};

/// Width of the column of figures beside the charts.
const SIDE: u16 = 42;

/// Least height of a chart that tells anything: title, axis, its labels and three rows.
const CHART: u16 = 6;

/// What is shown beside the board.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// The recipe in one line.
    pub(super) summary: String,
    /// What it runs on.
    pub(super) device: String,
    /// Seconds since the board last changed; times go on by them.
    pub(super) since: f64,
    /// Whether the run was asked to stop.
    pub(super) interrupted: bool,
}

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame, board: &Board, context: &Context, theme: Theme) {
    let area = frame.area();
    let wide = area.width >= 80 && area.height >= 18;
    let header = if area.height >= 12 { 2 } else { 1 };
    let messages = if area.height >= 18 { 4 } else { 1 };
    let [top, gauge_row, body, bottom] = Layout::vertical([
        Constraint::Length(header),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(messages),
    ])
    .areas(area);
    draw_header(frame, top, board, context, theme);
    draw_gauge(frame, gauge_row, board, context, theme);
    draw_messages(frame, bottom, board, context, theme);
    if wide {
        let [charts, side] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(SIDE)]).spacing(1).areas(body);
        let table = table(board);
        let [figures, rates] =
            Layout::vertical([Constraint::Length(table.len() as u16 + 1), Constraint::Fill(1)]).areas(side);
        frame.render_widget(Paragraph::new(table).block(theme.block("now and smoothed")), figures);
        draw_rates(frame, rates, board, theme);
        draw_charts(frame, charts, board, theme);
    } else {
        let lines = short_figures(board);
        let [figures, charts] =
            Layout::vertical([Constraint::Length(lines.len() as u16), Constraint::Fill(1)]).areas(body);
        frame.render_widget(Paragraph::new(lines), figures);
        draw_charts(frame, charts, board, theme);
    }
    if !theme.unicode {
        to_ascii(frame.buffer_mut());
    }
}

/// Both charts, or the loss alone, or nothing, as room permits.
fn draw_charts(frame: &mut Frame, area: Rect, board: &Board, theme: Theme) {
    if area.height >= 2 * CHART {
        let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        chart::loss(frame, upper, board, theme);
        chart::score(frame, lower, board, theme);
    } else if area.height >= CHART {
        chart::loss(frame, area, board, theme);
    }
}

fn draw_header(frame: &mut Frame, area: Rect, board: &Board, context: &Context, theme: Theme) {
    let bold = theme.style(Color::Cyan, Modifier::BOLD);
    let run = if board.run.is_empty() { "starting" } else { &board.run };
    let mut first = vec![Span::styled(run.to_owned(), bold)];
    if !board.stage.is_empty() {
        first.push(Span::raw(format!(" · stage {}", board.stage)));
        if let Some(i) = board.stages.iter().position(|stage| *stage == board.stage) {
            first.push(Span::raw(format!(" {}/{}", i + 1, board.stages.len())));
        }
    }
    if let Some(now) = &board.now {
        first.push(Span::raw(format!(" · epoch {:.2}", now.epoch)));
    }
    let about: Vec<_> =
        [&context.summary, &context.device].into_iter().filter(|text| !text.is_empty()).map(String::as_str).collect();
    let second = Line::styled(about.join(" · "), theme.style(Color::Gray, Modifier::empty()));
    frame.render_widget(Paragraph::new(vec![Line::from(first), second]), area);
}

fn draw_gauge(frame: &mut Frame, area: Rect, board: &Board, context: &Context, theme: Theme) {
    let step = board.now.as_ref().map_or(0, |now| now.step);
    let done = if board.total_steps > 0 { (step as f64 / board.total_steps as f64).clamp(0.0, 1.0) } else { 0.0 };
    let mut label = format!(" {:3.0} %  {step}/{}", (100.0 * done).floor(), board.total_steps);
    if let Some(now) = &board.now {
        let left = if now.eta_s.is_finite() { (now.eta_s - context.since).max(0.0) } else { now.eta_s };
        label += &format!("  left {}  elapsed {}", duration(left), duration(now.elapsed_s + context.since));
    }
    let room = usize::from(area.width).saturating_sub(label.chars().count());
    let filled = (room as f64 * done).round() as usize;
    let line = Line::from(vec![
        Span::styled("█".repeat(filled), theme.style(Color::Green, Modifier::empty())),
        Span::styled("░".repeat(room - filled), theme.style(Color::DarkGray, Modifier::empty())),
        // On a narrow screen the steps matter more than the bar.
        Span::raw(if room == 0 { label.trim_start().to_owned() } else { label }),
    ]);
    frame.render_widget(line, area);
}

/// A figure with three digits; a dash where there is none.
fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), significant)
}

/// The figures in two columns: of the last step, and smoothed.
fn table(board: &Board) -> Vec<Line<'static>> {
    let row = |name: &str, now: String, smoothed: String| Line::raw(format!("{name:<14}{now:>12}{smoothed:>12}"));
    let now = board.now.as_ref();
    let mut lines: Vec<_> = LOSSES
        .iter()
        .enumerate()
        .map(|(i, name)| row(name, figure(now.and_then(|now| now.losses[i])), figure(board.smoothed[i].mean())))
        .collect();
    let dash = || "-".to_owned();
    let value = |of: fn(&super::board::Now) -> String| now.map_or_else(dash, of);
    let single = |name, text| row(name, text, String::new());
    lines.extend([
        single("firing rate", figure(now.and_then(|now| now.rate))),
        single("learning rate", value(|now| scientific(now.learning_rate))),
        single(
            "loop solves",
            now.and_then(|now| now.feedback).map_or_else(dash, |loops| {
                let said = if loops.converged { "" } else { " !" };
                format!("{}+{}{said}", loops.forward_iterations, loops.backward_iterations)
            }),
        ),
        single("gradient norm", value(|now| significant(now.grad_norm))),
        single("examples/s", value(|now| per_second(now.examples_per_second))),
        single("tokens/s", value(|now| per_second(now.tokens_per_second))),
    ]);
    lines
}

/// The same figures and the best score in few short lines.
fn short_figures(board: &Board) -> Vec<Line<'static>> {
    let now = board.now.as_ref();
    let mut lines = Vec::new();
    let loss = |i: usize| figure(board.smoothed[i].mean());
    lines.push(Line::raw(format!("loss {}  hid {}  att {}  pred {}", loss(0), loss(1), loss(2), loss(3))));
    if let Some(now) = now {
        let rate = figure(now.rate);
        let [lr, norm] = [scientific(now.learning_rate), significant(now.grad_norm)];
        lines.push(Line::raw(format!("rate {rate}  lr {lr}  grad {norm}")));
        let [examples, tokens] = [now.examples_per_second, now.tokens_per_second].map(per_second);
        lines.push(Line::raw(format!("{examples} ex/s  {tokens} tok/s")));
    }
    if let Some(best) = &board.best {
        let text = format!("best {} {} {:.4} at step {}", best.split, board.primary, best.value, best.step);
        lines.push(Line::raw(text));
    }
    lines
}

/// One bar per population, in as many columns as it takes and the width allows. Bars are relative to the largest rate.
fn draw_rates(frame: &mut Frame, area: Rect, board: &Board, theme: Theme) {
    let rates = &board.rates;
    let finite = || rates.iter().map(|(_, rate)| *rate).filter(|rate| rate.is_finite());
    let count = finite().count();
    if count == 0 {
        return frame.render_widget(theme.block("firing rate: not measured yet"), area);
    }
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let mean = finite().sum::<f64>() / count as f64;
    let block = theme.block(&format!("firing rate {mean:.2} ({low:.2} to {high:.2})"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if inner.is_empty() {
        return;
    }
    let rows = usize::from(inner.height);
    let longest = rates.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(20);
    // A column holds a name, a space, `0.21`, a space, and a bar of at least three cells.
    let least = longest + 9;
    let columns = rates.len().div_ceil(rows).min(usize::from(inner.width) / least).max(1);
    let width = usize::from(inner.width) / columns;
    let bar = width.saturating_sub(longest + 7);
    let shown = if rates.len() > columns * rows { columns * rows - 1 } else { rates.len() };
    let mut cells: Vec<_> = rates[..shown]
        .iter()
        .map(|(name, rate)| {
            let share = if high > 0.0 { (rate / high).clamp(0.0, 1.0) } else { 0.0 };
            let name: String = name.chars().take(longest).collect();
            // The cast takes NaN to zero.
            let filled = "█".repeat((share * bar as f64).round() as usize);
            Line::from(vec![
                Span::raw(format!("{name:<longest$} {rate:4.2} ")),
                Span::styled(filled, theme.style(Color::Magenta, Modifier::empty())),
            ])
        })
        .collect();
    if shown < rates.len() {
        cells.push(Line::raw(format!("… {} more", rates.len() - shown)));
    }
    for (i, cell) in cells.into_iter().enumerate() {
        let (x, y) = ((i / rows * width) as u16, (i % rows) as u16);
        let place = Rect { x: inner.x + x, y: inner.y + y, width: width as u16, height: 1 };
        frame.render_widget(cell, place.intersection(inner));
    }
}

/// The last messages; that the run will stop soon, if so, is the last of all.
fn draw_messages(frame: &mut Frame, area: Rect, board: &Board, context: &Context, theme: Theme) {
    let stop = "stopping after this step; a checkpoint is written first";
    let stop = context.interrupted.then_some((Level::Warn, stop));
    let all = stop.into_iter().chain(board.messages.iter().rev().map(|(level, text)| (*level, text.as_str())));
    let block = (area.height > 1).then(|| theme.block("messages"));
    let rows = usize::from(area.height) - usize::from(block.is_some()).min(usize::from(area.height));
    let mut lines: Vec<_> = all
        .take(rows)
        .map(|(level, text)| match level {
            Level::Info => Line::raw(text.to_owned()),
            Level::Warn => Line::styled(format!("warning: {text}"), theme.style(Color::Yellow, Modifier::empty())),
            Level::Error => Line::styled(format!("error: {text}"), theme.style(Color::Red, Modifier::BOLD)),
        })
        .collect();
    lines.reverse();
    let paragraph = Paragraph::new(lines);
    frame.render_widget(if let Some(block) = block { paragraph.block(block) } else { paragraph }, area);
}

/// Replaces what a terminal without Unicode cannot show.
fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let Some(c) = cell.symbol().chars().next().filter(|c| !c.is_ascii()) else { continue };
        cell.set_char(match c {
            '─' => '-',
            '│' | '·' => '|',
            '└' => '+',
            '█' => '#',
            '░' | '\u{2801}'..='\u{28ff}' => '.',
            '\u{2800}' => ' ',
            '…' => '~',
            _ => '?',
        });
    }
}

#[cfg(test)]
mod tests;
