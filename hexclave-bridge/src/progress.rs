//! How far long work has come: a bar on a terminal, plain lines elsewhere, always on standard error.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// Work whose end may be known or not.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// The last plain line, so that none is written twice.
    last: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = io::stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self {
            bar,
            last: String::new(),
        }
    }

    /// So much is done of so much, and this comes next.
    pub(crate) fn of(&mut self, done: usize, total: usize, next: &str) {
        let Some(bar) = &self.bar else {
            return self.line(next);
        };
        if bar.length().is_none() {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        }
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        bar.set_message(next.to_owned());
    }

    /// It has come so far, and how far there is to go is not known.
    pub(crate) fn reached(&mut self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => self.line(what),
        }
    }

    fn line(&mut self, line: &str) {
        if self.last != line {
            output::progress(line);
            line.clone_into(&mut self.last);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
