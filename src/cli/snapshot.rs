//! `ai-how snapshot`

use std::io::IsTerminal;
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::{Extra, Format, Global, SnapshotArgs};
use super::exit::{CliError, Exit};
use super::sandbox::Reach;
use super::validate::open_root;
use super::{output, progress};
use crate::host::snapshot::{self, Made, Packed};
use crate::report::paint::escaped;
use crate::report::text::counted;

pub fn run(args: &SnapshotArgs, global: &Global) -> Result<Exit, CliError> {
    let formats: &[Format] =
        if args.dry_run { &[Format::Text, Format::Json] } else { &[Format::Text] };
    output::check_format("snapshot", global, formats)?;
    if !args.dry_run && global.output.is_none() && std::io::stdout().is_terminal() {
        return Err(CliError::Terminal);
    }
    if args.with.contains(&Extra::Link) {
        tracing::info!("the link is in every snapshot");
    }
    let made = Made { time: now()?, driver_override: args.with.contains(&Extra::DriverOverride) };
    let later = Reach::output(global).confine_or_wait(global);
    let packed = progress::shown(global, "Reading the host", |watch| {
        let packed = snapshot::take(open_root(global, watch)?, &made);
        packed.map_err(|error| CliError::Serialize { error: error.to_string() })
    })?;
    later.confine();
    match (args.dry_run, global.format) {
        (true, Format::Json) => output::write(global, &output::json(&packed.manifest)?)?,
        (true, _) => output::write(global, &listing(&packed))?,
        (false, _) => output::write_bytes(global, &packed.archive)?,
    }
    let denied = packed.manifest.denied();
    if denied > 0 {
        tracing::warn!("{} could not be read without root", counted(denied, "thing"));
    }
    Ok(Exit::Ready)
}

/// What would be packed, then what is not there and what could not be read.
fn listing(packed: &Packed) -> String {
    let mut text = String::new();
    for (path, kind, size) in &packed.members {
        text += &format!("{kind:<8}{size:>9}  {}\n", escaped(path));
    }
    for unreadable in &packed.manifest.unreadable {
        let path = escaped(&unreadable.path);
        text +=
            &format!("unread           -  {path}: {}\n", escaped(&unreadable.why().to_string()));
    }
    for path in &packed.manifest.absent {
        text += &format!("absent           -  {}\n", escaped(path));
    }
    text + &format!("{} members, {} bytes packed\n", packed.members.len(), packed.archive.len())
}

/// The time of the clock, or that of `SOURCE_DATE_EPOCH` (reproducible-builds.org).
fn now() -> Result<String, CliError> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().map_err(|_| CliError::Epoch { text })?,
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    };
    Ok(rfc3339(seconds))
}

/// By the days since 1 March of the year 0 (H. Hinnant, "chrono-compatible low-level date
/// algorithms").
fn rfc3339(seconds: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    let seconds = seconds.min(LAST);
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, time) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_772_323_200, "2026-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), time);
        }
    }
}
