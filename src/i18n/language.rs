//! In which language: what was asked for, in the order in which it counts, and where a catalogue for it may lie.
//!
//! The environment is read as POSIX and GNU gettext have it (the manual's "The LANGUAGE variable"), with one difference: a
//! locale need not exist on the system, because daemons run where none but C does.

use std::ffi::OsString;

/// What a C locale is called, which means the language of the sources.
const NEUTRAL: [&str; 2] = ["C", "POSIX"];

/// Where a language is spoken, for systems that know no language but in a country (setlocale(3)).
const HOMES: [(&str, &str); 14] = [
    ("cs", "CZ"),
    ("de", "DE"),
    ("en", "US"),
    ("es", "ES"),
    ("fr", "FR"),
    ("it", "IT"),
    ("ja", "JP"),
    ("ko", "KR"),
    ("nl", "NL"),
    ("pl", "PL"),
    ("ru", "RU"),
    ("sv", "SE"),
    ("tr", "TR"),
    ("uk", "UA"),
];

/// The languages that the environment asks for, the best first; none is English. `LC_ALL` that says C or POSIX means that,
/// as everywhere; then `LANGUAGE` is a list, and of `LC_ALL`, `LC_MESSAGES` and `LANG` the first that is set counts.
pub(super) fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Vec<String> {
    let value = |name: &str| {
        variable(name)?.into_string().ok().filter(|value| !value.is_empty() && value.len() < 256)
    };
    let all = value("LC_ALL");
    if all.as_deref().is_some_and(|locale| NEUTRAL.contains(&locale)) {
        return Vec::new();
    }
    let first = value("LANGUAGE").or(all).or_else(|| value("LC_MESSAGES")).or_else(|| value("LANG"));
    first.map(|languages| list(&languages)).unwrap_or_default()
}

/// The languages of a list with colons between them.
pub(super) fn list(languages: &str) -> Vec<String> {
    languages.split(':').filter(|language| !language.is_empty()).map(str::to_owned).collect()
}

/// Whether this can be the name of a language, or of several with colons between them: letters, digits and `_ - . @`.
#[must_use]
pub fn is_language(word: &str) -> bool {
    word.len() < 64
        && !list(word).is_empty()
        && list(word).iter().all(|language| Locale::parse(language).is_some())
}

/// `ll_CC.codeset@modifier` in its parts, without the codeset: sentences are UTF-8 everywhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Locale {
    language: String,
    /// A country, or a script.
    country: Option<String>,
    modifier: Option<String>,
}

impl Locale {
    /// Nothing if it can be no name of one: it becomes a part of a path.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (rest, modifier) = split(name, '@');
        let (rest, codeset) = split(rest, '.');
        let (language, country) =
            rest.find(['_', '-']).map_or((rest, None), |at| (&rest[..at], Some(&rest[at + 1..])));
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        let others = [codeset, country, modifier].into_iter().flatten();
        let is_name = is_word(language) && others.into_iter().all(is_word);
        is_name.then(|| Self {
            language: language.to_owned(),
            country: country.map(|country| country.replace('-', "_")),
            modifier: modifier.map(str::to_owned),
        })
    }

    /// Whether it asks for the language of the sources, which needs no catalogue.
    pub(super) fn is_source(&self) -> bool {
        NEUTRAL.contains(&self.language.as_str()) || self.language == "en"
    }

    /// Names of catalogues that would do, the best first: `de_AT` is content with `de`, `pt` with `pt_BR`; who writes
    /// Chinese in one way is never answered in the other.
    pub(super) fn catalogues(&self) -> Vec<String> {
        let Self { language, country, modifier } = self;
        let country = country.as_deref();
        let full = country.map(|country| format!("{language}_{country}"));
        let mut bases: Vec<String> = full.into_iter().collect();
        match (language.as_str(), country) {
            ("zh", country) => bases.push(if is_traditional(country) { "zh_TW" } else { "zh_CN" }.to_owned()),
            ("pt", _) => bases.extend(["pt", "pt_BR"].map(str::to_owned)),
            _ => bases.push(language.clone()),
        }
        let with = bases.iter().filter_map(|base| Some(format!("{base}@{}", modifier.as_ref()?)));
        let mut names: Vec<String> = with.collect();
        for base in bases {
            if !names.contains(&base) {
                names.push(base);
            }
        }
        names
    }

    /// What the C library may call it, the likeliest first.
    pub(super) fn in_the_system(&self) -> Vec<String> {
        let home = HOMES.iter().find(|(language, _)| *language == self.language).map(|(_, home)| *home);
        let home = home.or_else(|| {
            let traditional = is_traditional(self.country.as_deref());
            match self.language.as_str() {
                "zh" => Some(if traditional { "TW" } else { "CN" }),
                "pt" => Some("BR"),
                _ => None,
            }
        });
        let countries = self.country.as_deref().into_iter().chain(home);
        countries.map(|country| format!("{}_{country}.UTF-8", self.language)).collect()
    }
}

/// Whether Chinese is written there in the traditional characters.
fn is_traditional(country: Option<&str>) -> bool {
    country.is_some_and(|country| ["TW", "HK", "MO"].contains(&country) || country.starts_with("Hant"))
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(set: &[(&str, &str)]) -> Vec<String> {
        of_environment(|name| set.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).into()))
    }

    #[test]
    fn the_environment_in_its_order() {
        assert!(asked(&[]).is_empty() && asked(&[("LANG", "")]).is_empty());
        assert_eq!(asked(&[("LANG", "de_DE.UTF-8")]), ["de_DE.UTF-8"]);
        assert_eq!(asked(&[("LANG", "de"), ("LC_MESSAGES", "fr")]), ["fr"]);
        assert_eq!(asked(&[("LANG", "de"), ("LC_MESSAGES", "fr"), ("LC_ALL", "es")]), ["es"]);
        assert_eq!(asked(&[("LC_ALL", "es"), ("LANGUAGE", "nl:de")]), ["nl", "de"]);
        for neutral in NEUTRAL {
            assert!(asked(&[("LC_ALL", neutral), ("LANGUAGE", "de"), ("LANG", "de")]).is_empty());
            assert_eq!(asked(&[("LANG", neutral), ("LANGUAGE", "de")]), ["de"]);
        }
        assert_eq!(asked(&[("LC_ALL", "C.UTF-8"), ("LANGUAGE", "de")]), ["de"]);
    }

    #[test]
    fn what_would_do() {
        for (name, catalogues) in [
            ("de", &["de"][..]),
            ("de_AT.UTF-8", &["de_AT", "de"]),
            ("de_AT@euro", &["de_AT@euro", "de@euro", "de_AT", "de"]),
            ("pt", &["pt", "pt_BR"]),
            ("pt-PT", &["pt_PT", "pt", "pt_BR"]),
            ("pt_BR", &["pt_BR", "pt"]),
            ("zh", &["zh_CN"]),
            ("zh_SG", &["zh_SG", "zh_CN"]),
            ("zh_TW.Big5", &["zh_TW"]),
            ("zh_HK", &["zh_HK", "zh_TW"]),
            ("zh-Hant-MO", &["zh_Hant_MO", "zh_TW"]),
            ("zh_Hans", &["zh_Hans", "zh_CN"]),
            ("en@quot", &["en@quot", "en"]),
        ] {
            assert_eq!(Locale::parse(name).unwrap().catalogues(), catalogues, "{name}");
        }
        for source in ["C", "POSIX", "C.UTF-8", "en", "en_GB.UTF-8"] {
            assert!(Locale::parse(source).unwrap().is_source(), "{source}");
        }
        assert!(!Locale::parse("eo").unwrap().is_source());
    }

    #[test]
    fn what_the_system_may_call_it() {
        let names = |name: &str| Locale::parse(name).unwrap().in_the_system();
        assert_eq!(names("de"), ["de_DE.UTF-8"]);
        assert_eq!(names("de_AT"), ["de_AT.UTF-8", "de_DE.UTF-8"]);
        assert_eq!(
            (names("zh"), names("pt")),
            (vec!["zh_CN.UTF-8".to_owned()], vec!["pt_BR.UTF-8".to_owned()])
        );
        assert!(names("tlh").is_empty());
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["", "..", "../de", "de/..", "de_", "de@", "/etc", "d\u{e9}", "de\0", "_", ".UTF-8", ":"]
        {
            assert!(!is_language(name), "{name:?}");
        }
        assert!(["de", "pt_BR", "de_AT.UTF-8@euro", "nl:de", "zh-Hant-HK"].into_iter().all(is_language));
        assert!(!is_language(&"de:".repeat(40)));
    }
}
