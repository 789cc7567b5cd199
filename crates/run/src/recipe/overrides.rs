//! Values of a recipe that the command line sets: `stage.0.epochs=3`.

use toml::{Table, Value};

use super::RecipeError;

/// Sets one dotted key of a table by an assignment `key=value`.
pub(super) fn set(table: &mut Table, assignment: &str) -> Result<(), RecipeError> {
    let wrong = |key: &str, message: String| RecipeError::Override { key: key.to_owned(), message };
    let (key, value) = assignment.split_once('=').ok_or_else(|| wrong(assignment, "expected key=value".to_owned()))?;
    let (key, value) = (key.trim(), value.trim());
    let wrong = |message: String| wrong(key, message);
    let parsed = format!("x = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("x"));
    let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
    let mut parts = key.split('.').peekable();
    let mut here = table;
    loop {
        let part = parts.next().filter(|part| !part.is_empty()).ok_or_else(|| wrong("empty key".to_owned()))?;
        if parts.peek().is_none() {
            here.insert(part.to_owned(), value);
            return Ok(());
        }
        let next = here.entry(part).or_insert_with(|| Value::Table(Table::new()));
        here = match next {
            Value::Table(table) => table,
            Value::Array(items) => {
                let index = parts.next().unwrap_or_default();
                let count = items.len();
                let item = index.parse::<usize>().ok().and_then(|i| items.get_mut(i));
                let item = item.ok_or_else(|| wrong(format!("there are {count} of `{part}`, none is `{index}`")))?;
                item.as_table_mut().ok_or_else(|| wrong(format!("`{part}.{index}` has no keys")))?
            }
            _ => return Err(wrong(format!("`{part}` is a value, not a table"))),
        };
    }
}
