//! What is wrong with a policy: all of it at once, each with its place.

use std::fmt;

use crate::order::sort_short;

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// It is written in a newer schema than this release knows; nothing more was looked at.
    pub newer_schema: bool,
    /// Everything that is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1, where the policy is a text.
    pub line: Option<u32>,
    /// The column in characters, counted from 1.
    pub column: Option<u32>,
    /// Where in the policy, such as `tiers.basic.network.allowance`; empty for the policy as a whole.
    pub key: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl PolicyError {
    pub(super) fn new(mut problems: Vec<Problem>) -> PolicyError {
        // They are found in the order of the text, but for a table's own keys, which are read first.
        sort_short(&mut problems, |problem| (problem.line, problem.column));
        PolicyError { newer_schema: false, problems }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        let key = if self.key.is_empty() { "the policy" } else { &self.key };
        write!(f, "{key}: {}", self.message)
    }
}

impl fmt::Display for PolicyError {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}
