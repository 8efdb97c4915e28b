//! The table, on the terminal and in the page, and the machine that it was measured on.

use std::fs;
use std::path::Path;

use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::Result;
use crate::rows::{Row, Verdict};

/// One of the page's tables, with the machine and its load while it was measured.
pub struct Report {
    title: &'static str,
    rows: Vec<Row>,
    machine: String,
    load: String,
}

impl Report {
    pub fn begin(title: &'static str, folder: &Path) -> Result<Report> {
        let report = Report { title, rows: Vec::new(), machine: machine(folder)?, load: load() };
        eprintln!("{}; load {}", report.machine, report.load);
        Ok(report)
    }

    pub fn add(&mut self, row: Row) {
        let verdict = row.verdict.word();
        eprintln!("{verdict:>7}  {}, beside {}: {} (at most {})", row.work, row.against, row.figure, row.at_most);
        for text in [&row.profile, &row.note].into_iter().filter(|text| !text.is_empty()) {
            eprintln!("         {text}");
        }
        self.rows.push(row);
    }

    pub fn finish(self, page: Option<&Path>) -> Result<()> {
        let measured = self.text();
        println!("{measured}");
        let Some(page) = page else { return Ok(()) };
        let text = fs::read_to_string(page)?;
        let begin = format!("<!-- {}: written by make bench -->", self.title);
        let end = format!("<!-- end of {} -->", self.title);
        let (before, rest) = text.split_once(&begin).ok_or("the page has no place for what is measured")?;
        let (_, after) = rest.split_once(&end).ok_or("the place for what is measured has no end")?;
        fs::write(page, format!("{before}{begin}\n\n{measured}\n{end}{after}"))?;
        Ok(())
    }

    fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["work", "beside", "ours", "the other", "ratio (middle half)", "at most", ""]);
        for row in &self.rows {
            let verdict = row.verdict.word();
            table.add_row([row.work, row.against, &row.ours, &row.other, &row.figure, &row.at_most, verdict]);
        }
        let mut text = format!("{}. Load average {} before, {} after.\n\n{table}\n", self.machine, self.load, load());
        for row in self.rows.iter().filter(|row| row.verdict != Verdict::Ok) {
            let word = match row.verdict {
                Verdict::Limit => "Limit",
                Verdict::NotRun => "Not run",
                _ => "Short",
            };
            text += &format!("\n{word}: {}, beside {}. {}\n", row.work, row.against, row.profile);
        }
        for row in self.rows.iter().filter(|row| !row.note.is_empty()) {
            text += &format!("\n{}: {}\n", row.work, row.note);
        }
        text
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// Cores, processor, kernel and file system; no names of hosts.
fn machine(folder: &Path) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let kernel = rustix::system::uname();
    Ok(format!(
        "{cores} cores ({}), {} {}, {}",
        model.unwrap_or("processor unknown"),
        kernel.sysname().to_string_lossy(),
        // The version alone: what a distributor adds names a machine.
        kernel.release().to_string_lossy().split('-').next().unwrap_or_default(),
        file_system(&folder.canonicalize()?)
    ))
}

fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let kind = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        folder.starts_with(&point).then_some((point.len(), kind))
    };
    mounts.lines().filter_map(kind).max().map_or("file system unknown".to_owned(), |(_, kind)| kind)
}
