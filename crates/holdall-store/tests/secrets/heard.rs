//! Everything that is logged or shown, in one text.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};

use holdall_testing::told;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<String>>);

impl Heard {
    /// Listens to all events of the process, of both kinds of logging.
    pub(crate) fn listen() -> Self {
        let heard = Self::default();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(heard.clone())
            .init();
        log::set_boxed_logger(Box::new(heard.clone())).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        heard
    }

    pub(crate) fn add(&self, text: &str) {
        let mut all = self.0.lock().unwrap();
        all.push_str(text);
        all.push('\n');
    }

    pub(crate) fn debug(&self, value: &dyn Debug) {
        self.add(&format!("{value:?} {value:#?}"));
    }

    /// An error as it is shown, as it is debugged, and all that caused it.
    pub(crate) fn error(&self, error: &(dyn Error + 'static)) {
        self.add(&told::by(error));
    }

    /// The outcome of a call that may be either.
    pub(crate) fn outcome<T: Debug, E: Error + 'static>(&self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.debug(&value);
                Some(value)
            }
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Heard {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.add(&format!("{} {} {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}
