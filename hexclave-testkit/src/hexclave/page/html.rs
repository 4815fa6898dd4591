use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Html;

const STYLE: &str = include_str!("style.css");
/// In the page, so that browsers do not ask for one.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Cpath fill='%232456c9' d='M8 0l7 4v8l-7 4-7-4V4z'/%3E%3C/svg%3E";

/// A whole page around a body that is HTML.
pub(super) fn page(title: &str, is_live: bool, body: &str) -> Html<String> {
    let live = if is_live {
        "<meta http-equiv=\"refresh\" content=\"3\">"
    } else {
        ""
    };
    Html(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{live}\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" href=\"{ICON}\"><title>{title}</title><style>{STYLE}</style></head>\n<body>\n\
         <header><h1>{title}</h1><p>For development: whoever reaches this server can do everything.</p></header>\n\
         {body}\n</body></html>\n",
        title = text(title),
    ))
}

/// A text as HTML, inside of elements and of attributes in double quotes.
pub(super) fn text(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// One cell of a table; where there is no room for columns, its label stands before it.
pub(super) fn cell(label: &str, html: &str) -> String {
    match html {
        "" => "<td class=\"blank\"></td>".to_owned(),
        html => format!("<td data-label=\"{label}\"><div>{html}</div></td>"),
    }
}

/// The head of a table with these columns, up to its first row.
pub(super) fn table(id: &str, columns: &[&str]) -> String {
    let columns: String = columns
        .iter()
        .map(|column| format!("<th>{column}</th>"))
        .collect();
    format!("<div class=\"wide\"><table id=\"{id}\"><thead><tr>{columns}</tr></thead><tbody>\n")
}

/// The end of a table.
pub(super) const TABLE_END: &str = "</tbody></table></div>\n";

/// A time of day (UTC).
pub(super) fn time_of_day(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// How long ago something was, in its largest unit.
pub(super) fn ago(millis: u64, now_millis: u64) -> String {
    let seconds = now_millis.saturating_sub(millis) / 1000;
    match seconds {
        0 => "now".to_owned(),
        1..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            text("<a href=\"x\" title='y'>&amp;"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;"
        );
    }
}
