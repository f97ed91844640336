//! The day in a date, as it is written in a page.

/// The day of `2024-05-17T10:00:00+02:00`, `2024/5/17`, `20240517` or `Fri, 17 May 2024 10:00:00 GMT`, as `2024-05-17`:
/// the day that the page means, wherever it is read.
pub(crate) fn day(text: &str) -> Option<String> {
    let text = text.trim();
    numbers(text).or_else(|| in_words(text))
}

/// The day in `https://example.com/2024/05/17/a-title`.
pub(crate) fn day_in_url(url: &str) -> Option<String> {
    let parts: Vec<&str> = url.split(['/', '-']).collect();
    parts.windows(3).find_map(|parts| match parts {
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            written(year, month, day)
        }
        _ => None,
    })
}

fn numbers(text: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (year, rest) = text.split_at_checked(4)?;
    if digits(text) >= 8 {
        let (month, rest) = rest.split_at_checked(2)?;
        return written(year, month, rest.get(..2)?);
    }
    let rest = rest.strip_prefix(['-', '/', '.'])?;
    let (month, rest) = rest.split_at_checked(digits(rest))?;
    let rest = rest.strip_prefix(['-', '/', '.'])?;
    written(year, month, rest.get(..digits(rest))?)
}

/// English, as in the headers of mails and of the web: the day before the month or after it.
fn in_words(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(3).find_map(|words| match words {
        [first, second, year] if year.len() == 4 => {
            let month_of = |word: &str| month(word).map(|month| month.to_string());
            let (month, day) = match month_of(first) {
                Some(month) => (month, second),
                None => (month_of(second)?, first),
            };
            written(year, &month, day)
        }
        _ => None,
    })
}

fn month(word: &str) -> Option<usize> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    let is_it = |month: &str| word.len() >= 3 && month.starts_with(&word);
    MONTHS.iter().position(|month| is_it(month)).map(|index| index + 1)
}

fn written(year: &str, month: &str, day: &str) -> Option<String> {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let is_day = (1900..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| format!("{year}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::{day, day_in_url};

    #[test]
    fn the_day_is_taken_as_written() {
        let cases = [
            ("2024-05-17", "2024-05-17"),
            ("2024-05-17T23:30:00-07:00", "2024-05-17"),
            (" 2024/5/7 10:00", "2024-05-07"),
            ("2024.05.17", "2024-05-17"),
            ("20240517T1000", "2024-05-17"),
            ("Fri, 17 May 2024 10:00:00 GMT", "2024-05-17"),
            ("May 17, 2024", "2024-05-17"),
            ("Sept 3, 2024", "2024-09-03"),
        ];
        for (text, expect) in cases {
            assert_eq!(day(text).as_deref(), Some(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "yesterday",
            "2024",
            "2024-13-01",
            "2024-05",
            "0001-01-01",
            "１２３４-05-06",
            "17 Mai 2024",
            "é",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn a_url_can_hold_a_day() {
        assert_eq!(day_in_url("https://example.com/news/2024/05/17/a").as_deref(), Some("2024-05-17"));
        assert_eq!(day_in_url("https://example.com/a-2024-05-17-b").as_deref(), Some("2024-05-17"));
        assert_eq!(day_in_url("https://example.com/12/34/56"), None);
    }
}
