//! Which schema a policy is written in. Older ones are readable for ever: each is read here as today's.

use super::error::PolicyError;
use super::parse;
use super::reader::Reader;
use super::value::{Node, Value};
use super::{Policy, SCHEMA};

/// Reads a policy of any schema up to today's.
pub(super) fn read(node: &Node) -> Result<Policy, PolicyError> {
    let mut reader = Reader::default();
    if let Some(schema) = schema(node)
        && schema > i128::from(SCHEMA)
    {
        let message = format!("{schema} is newer than this release, which knows up to {SCHEMA}; update the product");
        reader.problem(node.at, "schema", message);
        return Err(PolicyError { newer_schema: true, problems: reader.problems });
    }
    // A schema that is missing or below 1 is one of the problems that today's reader lists. When schema 2 comes, this is where
    // a tree written in schema 1 is turned into one of schema 2.
    let policy = parse::policy(node, &mut reader);
    match policy {
        Some(policy) if reader.problems.is_empty() => Ok(policy),
        _ => Err(PolicyError::new(reader.problems)),
    }
}

fn schema(node: &Node) -> Option<i128> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == "schema").and_then(|entry| match entry.node.value {
        Value::Integer(schema) => Some(schema),
        _ => None,
    })
}
