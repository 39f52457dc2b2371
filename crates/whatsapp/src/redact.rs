//! Error texts of the client without the numbers and names that it writes into them.

use std::fmt::Display;

/// The text, with every run of five or more digits replaced: phone numbers, JIDs and group ids are such.
pub(crate) fn redacted(text: impl Display) -> String {
    let text = text.to_string();
    let mut shown = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        flush(&mut digits, &mut shown);
        shown.push(letter);
    }
    flush(&mut digits, &mut shown);
    shown
}

fn flush(digits: &mut String, shown: &mut String) {
    if digits.len() < 5 {
        shown.push_str(digits);
    } else {
        shown.push('…');
    }
    digits.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_people_disappear_and_codes_stay() {
        for (text, shown) in [
            ("code=479, text='gone'", "code=479, text='gone'"),
            (
                "no session with 15551234567:12@s.whatsapp.net",
                "no session with …:12@s.whatsapp.net",
            ),
            ("4915112345678-1400000000@g.us", "…-…@g.us"),
            ("100000012345678", "…"),
            ("", ""),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }
}
