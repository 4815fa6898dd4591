use crate::{Error, ErrorKind};

/// Longer names are cut by PostgreSQL (`NAMEDATALEN`), in bytes.
pub(crate) const LONGEST_NAME: usize = 63;

/// A name as SQL text that stands for exactly this name: in double quotes, with those inside it doubled (PostgreSQL,
/// "Identifiers and Key Words").
///
/// PostgreSQL has no way to write U+0000 and cuts names at 63 bytes; what is too long for it is not found there.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Refuses what cannot be the name of a `what`.
pub(crate) fn check(what: &str, name: &str) -> Result<(), Error> {
    let problem = match name {
        "" => "is empty",
        name if name.contains('\0') => "holds U+0000",
        name if name.len() > LONGEST_NAME => "is longer than 63 bytes",
        _ => return Ok(()),
    };
    Err(Error::new(
        ErrorKind::InvalidConfig,
        format!("the name of the {what} {problem}, which no name in PostgreSQL can be"),
    ))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quoted_name_cannot_end_early() {
        assert_eq!(quoted("notes"), r#""notes""#);
        assert_eq!(quoted(r#"a"; drop table b; --"#), r#""a""; drop table b; --""#);
        assert_eq!(quoted(r"back\slash 'quote' ß"), r#""back\slash 'quote' ß""#);
        assert_eq!(quoted(""), r#""""#);
    }
}
