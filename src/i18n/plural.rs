//! Which form of a sentence a number takes: the rule in a catalogue's header, an expression of C over `n` (GNU gettext's
//! manual, "Additional functions for plural forms").
//!
//! It is worked out anew for each number, which costs less than a microsecond, and bounded in length and depth.

/// More forms than any language has.
const MOST_FORMS: usize = 6;
/// Longer and deeper than any language's rule.
const LONGEST: usize = 400;
const DEEPEST: usize = 24;

/// Operators by how strongly they bind, the weakest first; those that begin like another come after it.
const OPERATORS: [&[&str]; 6] =
    [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

#[derive(Clone, Debug)]
pub(super) struct Plural {
    forms: usize,
    rule: String,
}

impl Default for Plural {
    /// As in English, which is what gettext takes for granted too.
    fn default() -> Self {
        Self { forms: 2, rule: "n != 1".to_owned() }
    }
}

impl Plural {
    /// `nplurals=2; plural=(n != 1);`. Nothing where it is not that, or gives no form to some number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (forms, rule) = text.split_once(';')?;
        let forms = forms.trim().strip_prefix("nplurals")?.trim().strip_prefix('=')?.trim().parse().ok()?;
        let rule = rule.trim().strip_prefix("plural")?.trim_start().strip_prefix('=')?;
        let rule = rule.trim().trim_end_matches(';').to_owned();
        let plural = Self { forms, rule };
        let is_bounded = (1..=MOST_FORMS).contains(&forms) && plural.rule.len() <= LONGEST;
        let is_sound =
            is_bounded && (0..=200).chain([1_000, 1_000_000]).all(|count| plural.form(count).is_some());
        is_sound.then_some(plural)
    }

    /// The form for this number.
    pub(super) fn form(&self, count: u64) -> Option<usize> {
        let mut reader = Reader { rest: &self.rule, count, depth: 0 };
        let form = usize::try_from(reader.choice()?).ok()?;
        (form < self.forms && reader.rest.trim_start().is_empty()).then_some(form)
    }
}

/// Reads an expression and works it out. Nothing is skipped: what is not chosen must be sound too.
struct Reader<'a> {
    rest: &'a str,
    count: u64,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        match self.rest.trim_start().strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `a ? b : c`, or weaker than that nothing.
    fn choice(&mut self) -> Option<u64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let condition = self.binary(&OPERATORS)?;
        let value = if self.takes("?") {
            let yes = self.choice()?;
            let no = self.takes(":").then(|| self.choice())??;
            if condition == 0 { no } else { yes }
        } else {
            condition
        };
        self.depth -= 1;
        Some(value)
    }

    fn binary(&mut self, operators: &[&[&str]]) -> Option<u64> {
        let Some((weakest, stronger)) = operators.split_first() else { return self.single() };
        let mut left = self.binary(stronger)?;
        while let Some(operator) = weakest.iter().find(|operator| self.takes(operator)) {
            let right = self.binary(stronger)?;
            left = match *operator {
                "||" => u64::from(left != 0 || right != 0),
                "&&" => u64::from(left != 0 && right != 0),
                "==" => u64::from(left == right),
                "!=" => u64::from(left != right),
                "<=" => u64::from(left <= right),
                ">=" => u64::from(left >= right),
                "<" => u64::from(left < right),
                ">" => u64::from(left > right),
                "+" => left.checked_add(right)?,
                "-" => left.checked_sub(right)?,
                "*" => left.checked_mul(right)?,
                "/" => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
        Some(left)
    }

    fn single(&mut self) -> Option<u64> {
        if self.takes("(") {
            let value = self.choice()?;
            return self.takes(")").then_some(value);
        }
        if self.takes("!") {
            self.depth += 1;
            let value = (self.depth <= DEEPEST).then(|| self.single())??;
            self.depth -= 1;
            return Some(u64::from(value == 0));
        }
        if self.takes("n") {
            return Some(self.count);
        }
        let rest = self.rest.trim_start();
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (number, rest) = rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(rule: &str) -> [usize; 6] {
        let plural = Plural::parse(rule).unwrap_or_else(|| panic!("{rule}"));
        [0, 1, 2, 5, 21, 101].map(|count| plural.form(count).unwrap())
    }

    #[test]
    fn the_rules_of_languages() {
        assert_eq!(forms("nplurals=1; plural=0;"), [0; 6]);
        assert_eq!(forms(" nplurals=2; plural=(n != 1);"), [1, 0, 1, 1, 1, 1]);
        assert_eq!(forms("nplurals=2; plural=n>1"), [0, 0, 1, 1, 1, 1]);
        assert_eq!(forms("nplurals=3; plural=(n==1) ? 0 : (n>=2 && n<=4) ? 1 : 2;"), [2, 0, 1, 2, 2, 2]);
        let slavic =
            "plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);";
        assert_eq!(forms(&format!("nplurals=3; {slavic}")), [2, 0, 1, 2, 0, 0]);
        let polish = "plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);";
        assert_eq!(forms(&format!("nplurals=3; {polish}")), [2, 0, 1, 2, 2, 2]);
        let arabic =
            "plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);";
        assert_eq!(forms(&format!("nplurals=6; {arabic}")), [0, 1, 2, 3, 4, 5]);
        assert_eq!(forms("nplurals=2; plural=!(n==1)"), [1, 0, 1, 1, 1, 1]);
        assert_eq!(forms("nplurals=2; plural=3-2*1-0/5 == 1 && n"), [0, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn what_is_no_rule() {
        for rule in [
            "",
            "nplurals=2",
            "nplurals=2; plural=",
            "nplurals=2; plural=n",
            "nplurals=0; plural=0",
            "nplurals=7; plural=0",
            "nplurals=2; plural=0/n",
            "nplurals=2; plural=n==1 ? 0",
            "nplurals=2; plural=(n==1",
            "nplurals=2; plural=n==1 0",
            "nplurals=2; plural=0-1",
            "nplurals=2; plural=n*18446744073709551615 > 1",
            "nplurals=2; plural=m",
            "nplurals=2; plural=99999999999999999999",
        ] {
            assert!(Plural::parse(rule).is_none(), "{rule}");
        }
        for deep in ["(", "!", "n?", "n?n:"] {
            assert!(Plural::parse(&format!("nplurals=2; plural={}0", deep.repeat(300))).is_none(), "{deep}");
            assert!(Plural::parse(&format!("nplurals=2; plural={}0", deep.repeat(90))).is_none(), "{deep}");
        }
    }
}
