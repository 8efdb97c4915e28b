//! What is printed: tables, plain text and JSON on one stdout, with colours where somebody looks.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::failure::Failure;

pub const GOOD: Style = AnsiColor::Green.on_default();
pub const FAIR: Style = AnsiColor::Yellow.on_default();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const DIM: Style = Style::new().dimmed();
pub const BOLD: Style = Style::new().bold();
pub const PLAIN: Style = Style::new();

/// Standard output. Colours are dropped where it is no terminal.
pub struct Out {
    stream: io::BufWriter<anstream::AutoStream<io::Stdout>>,
    terminal: bool,
}

impl Out {
    pub fn new() -> Out {
        let stdout = io::stdout();
        let choice = anstream::AutoStream::choice(&stdout);
        let terminal = stdout.is_terminal();
        Out { stream: io::BufWriter::new(anstream::AutoStream::new(stdout, choice)), terminal }
    }

    /// A line of text.
    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        Ok(writeln!(self.stream, "{}", text.as_ref())?)
    }

    /// A value on a line of its own, without blanks.
    pub fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.raw(format!("{value}\n").as_bytes())
    }

    /// Bytes as they are: nothing in them is taken for a colour.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.flush()?;
        Ok(io::stdout().lock().write_all(bytes)?)
    }

    /// A table: headed by a rule on a terminal, plain and aligned elsewhere.
    pub fn table(&mut self, table: &Table) -> Result<(), Failure> {
        let text = table.render(self.terminal);
        Ok(self.stream.write_all(text.as_bytes())?)
    }

    /// Names and what they are, one a line, aligned.
    pub fn facts(&mut self, facts: &[(&str, Cell)]) -> Result<(), Failure> {
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, cell) in facts {
            self.line(format!("{DIM}{name:width$}{DIM:#}  {}", cell.painted()))?;
        }
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        self.stream.flush()?;
        Ok(io::stdout().lock().flush()?)
    }
}

/// A text and its style.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: visible(&text.into()), style }
    }

    pub fn painted(&self) -> String {
        paint(&self.text, self.style)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text, PLAIN)
    }
}

/// A text in a style.
pub fn paint(text: &str, style: Style) -> String {
    if style == PLAIN { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// Rows under a head.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(head: &[&'static str]) -> Table {
        Table { head: head.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn render(&self, ruled: bool) -> String {
        let width = |at: usize| {
            // A row that ends early runs on into the columns that it has not.
            let spans = |row: &&Vec<Cell>| row.len() == at + 1 && row.len() < self.head.len();
            let rows = self.rows.iter().filter(|row| !spans(row));
            let cells = rows.filter_map(|row| row.get(at)).map(|cell| cell.text.chars().count());
            cells.chain(self.head.get(at).map(|head| head.len())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut out = String::new();
        let mut put = |cells: &[Cell]| {
            let mut line = String::new();
            for (at, cell) in cells.iter().enumerate() {
                let last = at + 1 == cells.len();
                let pad = widths.get(at).map_or(0, |width| width.saturating_sub(cell.text.chars().count()));
                line.push_str(&cell.painted());
                if !last {
                    // Writing to a string does not fail.
                    let _ = write!(line, "{:1$}", "", pad + 2);
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        };
        put(&self.head.iter().map(|head| Cell::new(*head, BOLD)).collect::<Vec<_>>());
        if ruled {
            let rule: usize = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
            put(&[Cell::new("\u{2500}".repeat(rule), DIM)]);
        }
        self.rows.iter().for_each(|row| put(row));
        out
    }
}

/// A text that came from elsewhere, so that it cannot steer a terminal: control and direction characters are written out.
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(hidden) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut out, c| {
        if hidden(c) {
            out.extend(c.escape_unicode())
        } else {
            out.push(c)
        }
        out
    })
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(&["FEATURE", "ACCESS"]);
        table.row(vec!["a".into(), Cell::new("full", GOOD)]);
        table.row(vec!["export.step".into(), "denied".into()]);
        let plain = anstream::adapter::strip_str(&table.render(false)).to_string();
        assert_eq!(plain, "FEATURE      ACCESS\na            full\nexport.step  denied\n");
    }

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}\n"), "a\\u{1b}[2Jb\\u{202e}\n");
        assert_eq!(one_line("a\nb"), "a\\nb");
    }
}
