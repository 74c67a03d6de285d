//! Logs, on standard error or in a file.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tracing::Level;

use super::args::{Global, LogLevel};
use super::exit::CliError;

pub fn start(global: &Global) -> Result<(), CliError> {
    let level = match global.log_level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warning if global.verbose => Level::INFO,
        LogLevel::Warning => Level::WARN,
        LogLevel::Error | LogLevel::Critical => Level::ERROR,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .with_ansi(false);
    let Some(path) = &global.log_file else {
        subscriber.with_writer(std::io::stderr).init();
        return Ok(());
    };
    #[expect(clippy::disallowed_methods, reason = "the command line writes the log")]
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file =
        file.map_err(|error| CliError::Log { path: path.clone(), error: error.to_string() })?;
    subscriber.with_writer(Mutex::new(file)).init();
    Ok(())
}
