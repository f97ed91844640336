//! Which of the titles of a page is its title.
//!
//! A page names its title up to four times: for search engines (JSON-LD), for those who share it (`og:title`), for those
//! who read it (`<h1>`) and for the window (`<title>`). They differ in the name of the site at the end, or are written
//! differently for their readers. What is shared has often lost a kicker or a tail that the headline has, and is the title
//! then; else what two of the first three agree on; else the first of them that is there.

use crate::page::Page;
use crate::{key, squeeze};

/// The title of a page.
pub(crate) fn of(page: &Page) -> Option<String> {
    let titles = Titles::of(page);
    let candidates: Vec<(String, String)> =
        titles.voters.iter().map(|title| titles.without_site(title)).collect();
    if titles.has_both && holds_whole(&candidates) {
        return candidates.into_iter().nth(1).map(|(_, shared)| shared);
    }
    let votes = |key: &str| candidates.iter().filter(|(other, _)| other == key).count();
    let winner = candidates.iter().rev().max_by_key(|(key, _)| votes(key));
    winner.cloned().or_else(|| Some(titles.without_site(&titles.window))).map(|(_, title)| title)
}

/// Whether the headline holds the shared title, and says more.
fn holds_whole(candidates: &[(String, String)]) -> bool {
    let [(headline, _), (shared, _), ..] = candidates else { return false };
    headline != shared && shared.chars().count() > 7 && headline.contains(shared)
}

struct Titles {
    /// JSON-LD, shared, heading: those that there are, in the order of trust.
    voters: Vec<String>,
    /// The first two are JSON-LD's and the shared one.
    has_both: bool,
    window: String,
    /// The keys of all of them, of all headings, and of the names of the site.
    known: Vec<String>,
    sites: Vec<String>,
}

impl Titles {
    fn of(page: &Page) -> Self {
        let sites: Vec<String> = page.site_names().map(key).collect();
        let says_something = |title: &String| key(title).chars().count() > 3 && !sites.contains(&key(title));
        let shared =
            page.meta(&["og:title", "twitter:title"]).map(|title| squeeze(&htmlize::unescape(title)));
        let stated = page.headline().map(str::to_owned);
        let data: Vec<String> = [stated, shared].into_iter().flatten().filter(says_something).collect();
        let window = page.title.clone();
        let mut known: Vec<String> = data.iter().chain([&window]).map(|title| key(title)).collect();
        let heading = heading(page, &known).filter(says_something);
        known.extend(page.headings.iter().map(|heading| key(heading)));
        let has_both = data.len() == 2;
        Self { voters: data.into_iter().chain(heading).collect(), has_both, window, known, sites }
    }

    /// Cuts a site's name or a section off the end: what stands before a separator, if what follows is the site's name, or
    /// if the page has that part alone as a title too. Gives the key of what is left, and what is left.
    fn without_site(&self, title: &str) -> (String, String) {
        let is_whole = |head: &str, tail: &str| {
            let head = key(head);
            let length = head.chars().count();
            length > 3 && self.sites.contains(&key(tail)) || length > 7 && self.known.contains(&head)
        };
        let cut = separators(title).take(MAX_SEPARATORS).find(|(head, tail)| is_whole(head, tail));
        let title = cut.map_or(title, |(head, _)| head).trim();
        (key(title), title.to_owned())
    }
}

/// Titles have one or two; a text of thousands is no title, and each of them costs a look at all of it.
const MAX_SEPARATORS: usize = 20;

/// The heading that other titles repeat, or hold; else the first.
fn heading(page: &Page, known: &[String]) -> Option<String> {
    let rank = |heading: &&String| {
        let heading = key(heading);
        let same = known.iter().filter(|title| **title == heading).count();
        let inside = known.iter().filter(|title| title.contains(&heading)).count();
        10 * same + inside
    };
    let headings = page.headings.iter().take(MAX_HEADINGS).filter(|heading| !key(heading).is_empty());
    // Of equals `max_by_key` takes the last.
    headings.rev().max_by_key(rank).cloned()
}

/// Pages have one, or one per teaser; thousands are no headings.
const MAX_HEADINGS: usize = 50;

/// What stands before and after each separator: a dash, bar, dot or arrow between spaces, and some that need none.
fn separators(title: &str) -> impl Iterator<Item = (&str, &str)> {
    title.char_indices().filter_map(move |(index, char)| {
        let (head, rest) = title.split_at_checked(index)?;
        let tail = rest.get(char.len_utf8()..)?;
        let is_spaced = head.ends_with(char::is_whitespace) && tail.starts_with(char::is_whitespace);
        let is_one = match char {
            '|' | '｜' | '：' => true,
            '-' => is_spaced || tail.starts_with('-'),
            '–' | '—' | '·' | '•' | '»' | '«' | ':' | '/' => is_spaced,
            _ => false,
        };
        is_one.then_some((head, tail))
    })
}
