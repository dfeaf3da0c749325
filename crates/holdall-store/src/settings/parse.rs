//! Reads sizes, times and words.

use std::time::Duration;

/// Reads `8MiB`, `5GB`, `1024`; a bare number counts `unit` bytes.
pub(super) fn size(text: &str, unit: u64) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix.trim().to_ascii_lowercase().as_str() {
        "" => unit,
        "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        other => return Err(format!("unknown unit {other:?}; use MiB, GiB, MB, GB")),
    };
    let value: f64 = number.parse().map_err(|_| "not a size such as 8MiB".to_owned())?;
    let bytes = value * factor as f64;
    if !bytes.is_finite() || bytes < 0.0 || bytes > u64::MAX as f64 / 2.0 {
        return Err("out of range".to_owned());
    }
    Ok(bytes as u64)
}

/// Reads `30s`, `1.5`, `500ms`, `10m`, `12h`, `7d`; a bare number counts seconds.
///
/// # Errors
///
/// What is wrong with the text.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let seconds = match suffix.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        other => return Err(format!("unknown unit {other:?}; use ms, s, m, h, d")),
    };
    let value: f64 = number.parse().map_err(|_| "not a time such as 30s".to_owned())?;
    Duration::try_from_secs_f64(value * seconds).map_err(|_| "out of range".to_owned())
}

/// Reads yes and no.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// Reads `8MiB`, `5GB`, `1024`; a bare number counts bytes.
///
/// # Errors
///
/// What is wrong with the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    size(text, 1)
}

#[cfg(test)]
mod tests {
    use super::parse_time as time;
    use super::*;

    #[test]
    fn sizes_have_units() {
        let table =
            [("8MiB", 8 << 20), ("8m", 8 << 20), ("5GB", 5_000_000_000), ("7", 7 << 20), ("1.5KiB", 1536)];
        for (text, bytes) in table {
            assert_eq!(size(text, 1 << 20), Ok(bytes), "{text}");
        }
        for text in ["", "x", "8XB", "-1", "99999999999999999999TB"] {
            assert!(size(text, 1).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        let table = [("30s", 30.0), ("1.5", 1.5), ("500ms", 0.5), ("12h", 43_200.0), ("7d", 604_800.0)];
        for (text, seconds) in table {
            assert_eq!(time(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "soon", "-1", "1y"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
