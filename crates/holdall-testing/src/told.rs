//! All that an error says of itself.

use std::error::Error;

/// An error as it is shown, as it is debugged, and all that caused it.
pub fn by(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &format!("{error} {error:?} {error:#?} ");
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_too() {
        let cause = "x".parse::<u8>().unwrap_err();
        let error = std::io::Error::other(cause);
        assert_eq!(by(&error).matches("InvalidDigit").count(), 2);
    }
}
